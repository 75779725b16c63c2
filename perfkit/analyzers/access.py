"""Understands the loops of a record: which root queryset, which path from it, and what is needed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from perfkit.analyzers.repeats import Repeats, group
from perfkit.analyzers.schema import Hop, hops
from perfkit.analyzers.silence import UPSERTS, Silence
from perfkit.conf import Settings
from perfkit.record import Asked, Loaded, Part, RequestRecord, Site

#: Kinds of ``Asked`` that Django keeps on the row once read: each run is another row.
ONE_PER_ROW = frozenset({"forward", "reverse_one", "generic", "deferred"})
MANY = frozenset({"reverse_many", "many_to_many", "generic_many"})
#: Repeats that show a loop by time alone where no row tells of one.
_FEWEST = 3
#: Methods whose reads belong to what they write.
_WRITING = frozenset(
    {
        "add",
        "bulk_create",
        "bulk_update",
        "clear",
        "create",
        "delete",
        "remove",
        "save",
        "set",
        "update",
    }
)
#: Methods that give one row of many.
_FIRST = frozenset({"first", "last", "earliest", "latest", "__getitem__"})


@dataclass(frozen=True, slots=True)
class Access:
    """One loop of statements, understood.

    Attributes:
        repeats: its statements.
        root: the queryset whose edit does away with them; None where none is known.
        names: the relations followed from the root, by their attributes; a field's name last when
            ``need`` is ``"field"``.
        hops: what the models say of these relations; None where they cannot be followed.
        need: what the loop needs: ``row`` (of a key), ``rows`` (of a manager), ``key``, ``field``,
            ``count``, ``exists``, ``aggregate``, ``first``, ``values``, ``refined``, ``wasted``
            (prefetched, and asked again), ``prefetch`` (one row at a time), ``recursive`` (the same
            relation of what it gave, again and again), ``get``, ``refresh`` or ``other``.
    """

    repeats: Repeats
    root: Loaded | None
    names: tuple[str, ...]
    hops: tuple[Hop, ...] | None
    need: str

    @property
    def asked(self) -> Asked | None:
        """What the ORM's frames told."""
        return self.repeats.path.asked if self.repeats.path else None

    @property
    def path(self) -> str:
        """The ORM path from the root model."""
        return "__".join(self.names)

    @property
    def count(self) -> int:
        """How many statements it ran."""
        return len(self.repeats.queries)

    @property
    def site(self) -> Site | None:
        """The line to name."""
        return self.repeats.path.site if self.repeats.path else None

    @property
    def loop(self) -> Site | None:
        """The line of the loop, where it can be told: no further out than the rows were loaded."""
        path = self.repeats.path
        if path is None or path.loop is None:
            return None
        if self.asked is not None and self.asked.by_framework:
            return None  # its own loop repeats it
        loop, loaded = path.loop, self.root.site if self.root is not None else None
        if loaded is None:
            return loop
        functions = [(site.file, site.function) for site in path.sites]
        within, around = (loaded.file, loaded.function), (loop.file, loop.function)
        furthest = functions.index(within) if within in functions else path.access
        return loop if around in functions[: furthest + 1] else None

    @property
    def callers(self) -> tuple[Site, ...]:
        """The lines further out."""
        path = self.repeats.path
        return path.sites[path.access + 1 :] if path else ()

    @property
    def what(self) -> str:
        """Name what is read, for a message."""
        asked = self.asked
        if asked is not None and asked.model and asked.name:
            return f"{asked.model}.{asked.name}"
        if asked is not None and asked.target:
            return f"{asked.target}.{asked.method}()" if asked.method.isalpha() else asked.target
        return ", ".join(self.repeats.queries[0].tables) or self.repeats.queries[0].verb

    def part(self) -> Part:
        """Return its share of a finding."""
        return Part(
            self.path,
            self.count,
            self.repeats.distinct,
            self.repeats.duration_ms,
            self.site,
            self.callers,
            self.repeats.queries[0].shape,
        )


def read_loops(record: RequestRecord, settings: Settings) -> list[Access]:
    """Return every loop of reads: proved by its rows, or by its call path and its number."""
    return _with_recursions(list(_read_loops(record, settings)))


def _with_recursions(accesses: list[Access]) -> list[Access]:
    """Mark what one line reads at several depths: it walks up or down a tree."""
    depths: dict[Hashable, set[int]] = defaultdict(set)
    for access in accesses:
        depths[_place(access)].add(len(access.names))
    return [
        replace(access, names=access.names[-1:], need="recursive")
        if len(depths[_place(access)]) > 1
        else access
        for access in accesses
    ]


def _place(access: Access) -> Hashable:
    path, asked = access.repeats.path, access.asked
    if path is None or asked is None or not asked.name or asked.target != asked.model:
        return id(access)
    return (path.sites, path.column, asked.model, asked.name)


def _read_loops(record: RequestRecord, settings: Settings) -> Iterator[Access]:
    silence = Silence(record)
    for repeats in group(record):
        if repeats.path is None or silence.covers(repeats):
            continue
        if repeats.path.asked is not None and repeats.path.asked.method in UPSERTS:
            continue  # part of what they write
        if is_proved(repeats, settings):
            yield understand(repeats)


def is_proved(repeats: Repeats, settings: Settings) -> bool:
    """Tell whether these repeats are one loop over different rows.

    Rows of one origin prove a loop from the second on, and a list of one row a loop to be. Without
    rows it takes the same whole call path with different parameters, N_PLUS_ONE_THRESHOLD times.

    Args:
        repeats: queries of one shape through one call path.
        settings: the thresholds.
    """
    path = repeats.path
    if path is None or not (path.sites or path.asked):
        return False
    asked = path.asked
    count = len(repeats.queries)
    other_rows = asked is not None and (
        asked.kind in ONE_PER_ROW
        # Each row led to an instance of its own, though to the same row of the table.
        or (asked.origin is not None and asked.origin.step in ("single", "join", "prefetch"))
    )
    if count > 1 and not other_rows and repeats.distinct < 2:
        return False
    if asked is not None and asked.origin is not None and asked.kind != "prefetch":
        return count > 1 or _is_latent(asked, asked.origin)
    return count >= settings.n_plus_one_threshold or (
        count >= _FEWEST and repeats.duration_ms >= settings.n_plus_one_ms
    )


def _is_latent(asked: Asked, origin: Loaded) -> bool:
    """Tell whether a relation was read once off a list that happened to have one row."""
    lazily = asked.kind in ONE_PER_ROW or (asked.kind in MANY and asked.plain)
    return lazily and not origin.step and not origin.several and origin.times == 1


def understand(repeats: Repeats) -> Access:
    """Find the root of a loop, the path from it, and what the loop needs."""
    asked = repeats.path.asked if repeats.path else None
    if asked is None:
        return Access(repeats, None, (), None, "other")
    root, names, labels = _root(asked)
    need = need_of(asked)
    if is_recursive(asked):
        need = "recursive"
        names = [name for at, name in enumerate(names) if names[at - 1 : at] != [name]]
    if root is None or not asked.name:
        return Access(repeats, root, tuple(names), None, need)
    relations = names[:-1] if need == "field" else names
    return Access(repeats, root, tuple(names), hops(root.model, relations, labels), need)


def _root(asked: Asked) -> tuple[Loaded | None, list[str], list[str]]:
    """Climb from the row that was asked to the queryset that an edit can reach.

    Returns:
        The queryset, the relations from it, and the models that prefetches led to on the way.
    """
    names = [asked.name] if asked.name else []
    labels: list[str] = []
    node = asked.origin
    while node is not None and node.step in ("join", "prefetch", "single", "many") and node.name:
        names.insert(0, node.name)
        labels.insert(0, node.model if node.step == "prefetch" else "")
        node = node.parent
    if node is not None and (node.site is None or (node.step and node.step != "refined")):
        return None, names, labels
    return node, names, labels


def is_recursive(asked: Asked | None) -> bool:
    """Tell whether the rows were reached by following one relation again and again."""
    if asked is not None and asked.recursive:
        return True
    node = asked.origin if asked is not None else None
    while node is not None:
        if node.recursive:
            return True
        node = node.parent
    return False


def need_of(asked: Asked) -> str:  # a table of cases
    """Name what a loop needs of the relation it asks for."""
    if asked.kind == "forward" and not asked.by_key:
        return "key" if asked.key_only else "row"
    if asked.kind in ("reverse_one", "generic") and not asked.by_key:
        return "row"
    match asked.kind:
        case "deferred":
            return "field"
        case "prefetch":
            return "prefetch"
        case "model":
            return "refresh" if asked.method == "refresh_from_db" else "other"
        case "forward" | "reverse_one":
            return "refined" if asked.lookups else "row"
        case "queryset":
            return "get" if asked.method in ("get", "first") and not asked.model else "other"
    if asked.kind not in MANY:
        return "other"
    if asked.prefetched:
        return "wasted"
    return _need_of_many(asked)


def _need_of_many(asked: Asked) -> str:
    if asked.plain:
        return "rows"
    if asked.method == "contains":
        return "rows" if not asked.refined else "refined"
    if asked.lookups or asked.method in _WRITING or asked.method == "get":
        return "refined"
    beyond_order = set(asked.refined) - {"order_by"}
    if asked.method in ("count", "exists") and not beyond_order:
        return asked.method
    if asked.method == "aggregate" and not beyond_order:
        return "aggregate"
    if asked.refined == ("index",):
        return "rows"
    if asked.refined == ("values",) and asked.method not in _FIRST:
        # What lies behind another relation would have to be prefetched too.
        return "refined" if any("__" in field for field in asked.detail) else "values"
    if asked.method in ("_iterator", "iterator") and not asked.refined:
        return "values"  # which passes a prefetch by
    if all(step in ("order_by", "values") or step.startswith("slice[") for step in asked.refined):
        return "first"
    return "refined"
