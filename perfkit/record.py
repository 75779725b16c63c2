"""What one request did, frozen: queries, cache calls and findings, and their plain JSON form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Site:
    """A line of code: ``file`` from its import root, ``line`` from 1, ``function`` qualified.

    A template's line has ``function`` empty.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f" in {self.function}" if self.function else "")


@dataclass(frozen=True, slots=True)
class Built:
    """How a queryset was built, as far as an edit to it must know.

    Attributes:
        raw: a ``RawQuerySet``, which takes no join.
        combined: ``union()`` and the like, which take neither join nor prefetch.
        sliced: only part of its rows is asked for.
        iterated: read through ``iterator()``.
        locked: ``select_for_update()`` without ``of``: PostgreSQL refuses nullable joins.
        grouped: it joins or groups already, so that another aggregate could multiply.
        joined: relations loaded by ``select_related``, as paths.
        joins_all: ``select_related()`` without names, or the admin's own: naming one drops the rest.
        prefetched: lookups of its ``prefetch_related``.
        only: fields of its ``only()``; None without one.
        deferred: fields of its ``defer()``.
        owner: dotted name of the site's own class that a framework evaluates it for, else ``""``.
        owner_kind: ``"admin"``, ``"view"``, ``"form"``, ... where there is an owner.
    """

    raw: bool = False
    combined: bool = False
    sliced: bool = False
    iterated: bool = False
    locked: bool = False
    grouped: bool = False
    joined: tuple[str, ...] = ()
    joins_all: bool = False
    prefetched: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    deferred: tuple[str, ...] = ()
    owner: str = ""
    owner_kind: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The queryset that loaded a row, and how it was reached.

    Attributes:
        model: label of the rows' model, ``"shop.Book"``.
        site: the line that evaluated it.
        step: ``""`` for a queryset of the site's own; else how rows of ``parent`` led to it:
            ``"join"``, ``"prefetch"``, ``"single"`` (one row at a time, lazily), ``"many"`` (a
            manager's ``all()``) or ``"refined"`` (through a manager, filtered or ordered).
        name: the relation followed from ``parent``; for a prefetch the whole lookup.
        parent: what loaded the row through which it was reached.
        several: it yielded more than one row.
        times: how often it was evaluated there, for other rows of ``parent``.
        recursive: the relation was followed again from rows that it had led to.
        built: how it was built.
    """

    model: str
    site: Site | None
    step: str = ""
    name: str = ""
    parent: Loaded | None = None
    several: bool = True
    times: int = 1
    recursive: bool = False
    built: Built = Built()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the ORM's own frames tell about a statement.

    Attributes:
        model: label of the row that was asked, ``"shop.Product"``; ``""`` without one.
        name: the attribute read on it; ``""`` when only the row is known.
        kind: ``forward``, ``reverse_one``, ``reverse_many``, ``many_to_many``, ``generic``,
            ``generic_many``, ``deferred``, ``prefetch``, ``model`` (``save()`` and the like) or
            ``queryset``.
        plain: a many-valued relation read whole, as the manager's ``all()`` gives it.
        origin: what loaded the row that was asked.
        target: label of the model whose rows the statement is about, else ``""``.
        method: the ORM's function that was called: ``get``, ``count``, ``save``, ...
        lookups: what it filters by, ``("name", "exact")``, beyond the relation itself.
        refined: what else was done to the queryset: ``filter``, ``order_by``, ``slice``, ...
        detail: fields ordered by, values asked for, or ``("Sum", "price")`` of an aggregate.
        prefetched: the relation stands prefetched on the row.
        by_key: no relation was read, but the lookup is that relation's key on a row of the loop.
        key_only: nothing but the key of the related row was read.
        internal: why the ORM runs it for itself (``"prefetch"``, ``"validation"``, ...), else ``""``.
        table: the table of ``model``.
        recursive: the function that asks calls itself with what it gets.
        by_framework: a form, the admin or the like asks, whose lines nobody edits.
    """

    model: str
    name: str
    kind: str
    plain: bool
    origin: Loaded | None
    target: str = ""
    method: str = ""
    lookups: tuple[tuple[str, str], ...] = ()
    refined: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    prefetched: bool = False
    by_key: bool = False
    key_only: bool = False
    internal: str = ""
    table: str = ""
    recursive: bool = False
    by_framework: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """One call path that repeated a statement, innermost line first.

    ``access`` is the index of the line to name, ``loop`` the line of the loop that repeats it.
    ``in_package`` says that the line to name is an installed package's, as the whole loop is.
    ``is_async`` says that the line to name is a coroutine's; ``column`` tells apart two reads of one
    line: where the innermost one ends.
    """

    sites: tuple[Site, ...]
    asked: Asked | None
    access: int = 0
    loop: Site | None = None
    is_async: bool = False
    in_package: bool = False
    column: int = 0

    @property
    def site(self) -> Site | None:
        """The line to name."""
        return self.sites[self.access] if self.sites else None


class Query(NamedTuple):
    """One statement that ran; a named tuple, as it is made once for each statement.

    Attributes:
        sql: its text with every literal masked; placeholders as they were.
        shape: ``sql`` reduced so that statements differing in values only are equal.
        verb: ``SELECT``, ``INSERT``, ...
        tables: the tables it names.
        alias: the database's alias.
        start_ms: milliseconds from the start of the recording.
        duration_ms: milliseconds in the database, rows not yet fetched.
        identity: equal for equal statement and parameters, within one record.
        path: index into ``RequestRecord.paths``; None for a first run, whose path is not taken.
        many: it came through ``executemany``.
        failed: it raised.
        site: the line that asked, where known.
    """

    sql: str
    shape: str
    verb: str
    tables: tuple[str, ...]
    alias: str
    start_ms: float
    duration_ms: float
    identity: int
    path: int | None = None
    many: bool = False
    failed: bool = False
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class CacheCall:
    """One outermost call on a cache: keys found and not found, milliseconds."""

    alias: str
    operation: str
    start_ms: float
    duration_ms: float
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class EagerLoad:
    """A relation that a queryset loaded along, and whether anybody read it.

    Attributes:
        model: label of the queryset's model.
        path: the relation, as in ``select_related`` or ``prefetch_related``.
        method: which of the two loaded it.
        site: the line that evaluated the queryset.
        rows: rows that had it loaded; related rows, not empty ones.
        used: it was read on at least one row.
    """

    model: str
    path: str
    method: str
    site: Site | None
    rows: int
    used: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One access that a finding covers, of those that one edit does away with.

    Attributes:
        path: ORM path from the root model.
        count: statements of this access.
        distinct: different parameter sets among them.
        cost_ms: milliseconds in the database, together.
        access: the line that asked.
        callers: the lines through which it was reached, innermost first.
        shape: the statement's shape.
    """

    path: str
    count: int
    distinct: int
    cost_ms: float
    access: Site | None
    callers: tuple[Site, ...]
    shape: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to change, and what the change saves in this request.

    Attributes:
        kind: ``n_plus_one``, ``write_loop``, ``deferred_load``, ``wasted_prefetch``,
            ``unused_eager_load``, ``duplicate_query``, ``slow_query``, or a kind of your own.
        severity: ``"warning"`` when it costs, ``"info"`` when it hardly does (yet).
        message: one sentence: what happens and what to do, without figures.
        count: statements covered.
        saved: statements that the change saves.
        cost_ms: milliseconds that the change saves, measured on the statements covered.
        fingerprint: the same between requests, workers and deploys: no line numbers in it.
        model: label of the root model, ``"shop.Book"``; ``""`` where none is known.
        path: ORM paths from the root model, ``"author__publisher, tags"``, costliest first.
        fix: the code to write; ``""`` where no one-line change is right.
        access: the line that asked for the data, the costliest one first.
        origin: the line that evaluated the root queryset.
        loop: the line whose loop repeats it, where that can be told.
        callers: the lines between the two, innermost first: who called the property, the handler.
        parts: every access that this one edit covers, costliest first; empty for other kinds.
        shape: the statement's shape, of the costliest part.
        alias: the database's alias.
    """

    kind: str
    severity: str
    message: str
    count: int
    saved: int
    cost_ms: float
    fingerprint: str
    model: str = ""
    path: str = ""
    fix: str = ""
    access: Site | None = None
    origin: Site | None = None
    shape: str = ""
    alias: str = ""
    loop: Site | None = None
    callers: tuple[Site, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Everything one request, task or ``perfkit.record()`` block did.

    Times are milliseconds, ``started_at`` is Unix seconds. ``cpu_ms`` is None where other work
    shares the thread (ASGI), ``queue_ms`` where no proxy stamped the request, ``ttfb_ms`` equals
    ``duration_ms`` unless the body streams. ``dropped_queries`` ran beyond ``MAX_QUERIES`` and are
    counted in ``statements`` and ``db_ms`` but not listed. Equal for equal content.
    """

    route: str = ""
    method: str = ""
    status: int = 0
    started_at: float = 0.0
    duration_ms: float = 0.0
    ttfb_ms: float = 0.0
    cpu_ms: float | None = None
    queue_ms: float | None = None
    db_ms: float = 0.0
    cache_ms: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    response_bytes: int | None = None
    aborted: bool = False
    statements: int = 0
    transactions: int = 0
    dropped_queries: int = 0
    queries: tuple[Query, ...] = ()
    paths: tuple[Path, ...] = ()
    cache_calls: tuple[CacheCall, ...] = ()
    findings: tuple[Finding, ...] = ()
    eager_loads: tuple[EagerLoad, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON: dicts, lists, strings, numbers, None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RequestRecord:
        """Rebuild what ``to_dict`` gave; unknown keys of a newer version are ignored.

        Raises:
            TypeError: a part is not of the shape that ``to_dict`` gives.
        """
        values = _known(cls, data)
        values["queries"] = tuple(_query(query) for query in data.get("queries", ()))
        values["paths"] = tuple(_path(path) for path in data.get("paths", ()))
        values["cache_calls"] = tuple(
            CacheCall(**_known(CacheCall, call)) for call in data.get("cache_calls", ())
        )
        values["findings"] = tuple(finding_from(item) for item in data.get("findings", ()))
        values["eager_loads"] = tuple(
            EagerLoad(**{**_known(EagerLoad, load), "site": _site(load.get("site"))})
            for load in data.get("eager_loads", ())
        )
        return cls(**values)


def finding_from(data: dict[str, Any]) -> Finding:
    """Rebuild a finding from its plain form."""
    values = _known(Finding, data)
    values["access"] = _site(data.get("access"))
    values["origin"] = _site(data.get("origin"))
    values["loop"] = _site(data.get("loop"))
    values["callers"] = _sites(data.get("callers", ()))
    values["parts"] = tuple(
        Part(
            **{
                **_known(Part, part),
                "access": _site(part.get("access")),
                "callers": _sites(part.get("callers", ())),
            }
        )
        for part in data.get("parts", ())
    )
    return Finding(**values)


def _known(cls: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in cls.__dataclass_fields__ if name in data}


def _site(data: dict[str, Any] | None) -> Site | None:
    return Site(**_known(Site, data)) if data else None


def _sites(data: Iterable[dict[str, Any]]) -> tuple[Site, ...]:
    return tuple(Site(**_known(Site, site)) for site in data)


def _query(data: dict[str, Any]) -> Query:
    values = {name: data[name] for name in Query._fields if name in data}
    return Query(**{**values, "tables": tuple(values["tables"]), "site": _site(data.get("site"))})


def _path(data: dict[str, Any]) -> Path:
    values = {**_known(Path, data), "sites": _sites(data["sites"]), "asked": None}
    values["loop"] = _site(data.get("loop"))
    if asked := data.get("asked"):
        values["asked"] = Asked(
            **{
                **_known(Asked, asked),
                "origin": _loaded(asked.get("origin")),
                "lookups": tuple((name, lookup) for name, lookup in asked.get("lookups", ())),
                "refined": tuple(asked.get("refined", ())),
                "detail": tuple(asked.get("detail", ())),
            }
        )
    return Path(**values)


def _loaded(data: dict[str, Any] | None) -> Loaded | None:
    if not data:
        return None
    return Loaded(
        **{
            **_known(Loaded, data),
            "site": _site(data.get("site")),
            "parent": _loaded(data.get("parent")),
            "built": _built(data.get("built") or {}),
        }
    )


def _built(data: dict[str, Any]) -> Built:
    values = _known(Built, data)
    for name in ("joined", "prefetched", "only", "deferred"):
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return Built(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Query):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
