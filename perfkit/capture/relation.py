"""What a statement is about: which relation of which row, read from the ORM's own frames."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from django.db.models import Model

from perfkit.capture.frames import names_of
from perfkit.capture.lookups import extra_lookups, lookups_of, order_of, refined_query, refinements
from perfkit.capture.nearby import Match, many_to_many, match
from perfkit.capture.origin import Origin, origin_of
from perfkit.capture.roles import DESCRIPTORS, Role

#: Methods of a queryset that give its rows and nothing else.
_WHOLE = frozenset({"_fetch_all", "__iter__", "__len__", "__bool__", "__getitem__"})
#: Repeats after which a row that was found by its key must have become another one.
_MOST_TRIES = 3
#: Kinds of ``Relation`` that lead to many rows.
MANY = frozenset({"reverse_many", "many_to_many", "generic_many"})


class Relation:
    """What the ORM's own frames tell about a statement; see ``perfkit.record.Asked``."""

    __slots__ = (
        "by_framework",
        "by_key",
        "detail",
        "internal",
        "key_only",
        "keys",
        "kind",
        "lookups",
        "matched",
        "method",
        "model",
        "name",
        "origin",
        "plain",
        "prefetched",
        "refined",
        "table",
        "target",
        "tries",
        "unmatched",
    )

    def __init__(self, kind: str, method: str, internal: str) -> None:
        self.kind = kind
        self.method = method
        self.internal = internal
        self.model = self.table = self.name = self.target = ""
        self.plain = self.prefetched = self.by_key = self.key_only = self.by_framework = False
        #: Names under which the related row's key is read.
        self.keys: tuple[str, ...] = ()
        self.origin: Origin | None = None
        self.lookups: tuple[tuple[str, str], ...] = ()
        #: id of the row whose key the filter held, until another row has shown that to be no chance;
        #: and the filter's lookups otherwise.
        self.matched = 0
        self.tries = 0
        self.unmatched: tuple[tuple[str, str], ...] = ()
        self.refined: tuple[str, ...] = ()
        self.detail: tuple[str, ...] = ()

    def settle(self, other: Relation | None) -> None:
        """Compare with what a later repeat tells: a row found by its key must be another by then."""
        self.tries += 1
        if other is None or (other.name, other.model) != (self.name, self.model):
            self.give_up()
        elif other.matched != self.matched:
            self.matched = 0
        elif self.tries >= _MOST_TRIES:
            self.give_up()

    def give_up(self) -> None:
        """Forget a row that was found by its key: one name happened to hold such a one."""
        self.kind, self.name, self.model, self.table = "queryset", "", "", ""
        self.by_key = self.plain = self.prefetched = False
        self.origin, self.lookups, self.matched = None, self.unmatched, 0

    def of_row(self, row: Any) -> None:
        """Note the row that is asked."""
        meta = row._meta  # not by the type: a lazy row that is prefetched for has been evaluated
        self.model = meta.label
        self.table = meta.db_table
        self.origin = origin_of(row)


def relation_at(
    frame: FrameType,
    role: Role,
    method: str,
    internal: str,
    near: list[Any],
    lookups: tuple[str, ...] = (),
) -> Relation | None:
    """Read one of the ORM's frames.

    Args:
        frame: the descriptor's frame, else the outermost of the ORM's.
        role: its role.
        method: the function of the ORM that the site called.
        internal: why the statement is the ORM's own affair, else ``""``.
        near: what the local names of the site's frames hold; rows of the loop among them.
        lookups: the dotted names that a template's variable resolves.
    """
    names = names_of(frame)
    subject = names.get("self")
    relation = Relation(role.part, method, internal)
    if role.part in DESCRIPTORS:
        found = _descriptor(relation, subject, names.get("instance"))
        if found is not None and len(lookups) > 1:
            found.key_only = lookups[-2] == found.name and lookups[-1] in found.keys
        return found
    if role.part == "prefetch":
        return _prefetch(relation, names)
    if role.part == "model":
        relation.of_row(subject)
        relation.target = relation.model
        return relation
    if role.part == "manager":
        return _manager(relation, subject)
    if role.part == "raw":
        relation.target = subject.model._meta.label  # type: ignore[union-attr]  # a RawQuerySet
        relation.method = "raw"
        return relation
    if role.part == "iterable":
        subject = subject.queryset  # type: ignore[union-attr]  # a ModelIterable
    return _queryset(relation, subject, names, near)


def _descriptor(relation: Relation, descriptor: Any, row: Any) -> Relation | None:
    if not isinstance(row, Model) or descriptor is None:
        return None
    relation.of_row(row)
    if relation.kind == "reverse_one":
        relation.name = str(descriptor.related.get_accessor_name())
        relation.target = descriptor.related.related_model._meta.label
        return relation
    field = getattr(descriptor, "field", descriptor)  # a generic key was its own descriptor
    relation.name = str(field.name)
    if relation.kind == "forward":
        related = field.remote_field.model._meta
        relation.target = related.label
        if field.target_field is related.pk:
            relation.keys = ("pk", related.pk.attname)
    return relation


def _prefetch(relation: Relation, names: Mapping[str, Any]) -> Relation:
    relation.of_row(names["instances"][0])
    relation.name = names["lookup"].get_current_to_attr(names["level"])[0]
    return relation


def _manager(relation: Relation, manager: Any) -> Relation | None:
    """Read a related manager's own method: ``add()``, ``create()``, ``count()``."""
    row = getattr(manager, "instance", None)
    if not isinstance(row, Model):
        return None
    relation.of_row(row)
    relation.target = manager.model._meta.label
    cached = getattr(manager, "prefetch_cache_name", None)
    if cached is None:
        relation.name = str(manager.field.remote_field.get_accessor_name())
        relation.kind = "reverse_many"
    else:
        relation.name = str(cached)
        relation.kind = "many_to_many" if hasattr(manager, "through") else "generic_many"
    relation.prefetched = relation.name in getattr(row, "_prefetched_objects_cache", ())
    return relation


def _queryset(
    relation: Relation, queryset: Any, names: Mapping[str, Any], near: list[Any]
) -> Relation | None:
    model = getattr(queryset, "model", None)
    if model is None:
        return None
    relation.target = model._meta.label
    relation.refined = refinements(queryset)
    if relation.method == "__getitem__" and type(names.get("k")) is int:
        relation.refined += ("index",)
    found: Match | None = None
    row = queryset._hints.get("instance")
    if queryset.query.where.connector != "AND":
        return _of_two_querysets(relation, row)
    if row is None:
        found = match(queryset, names, near)
        row = found.row if found else None
    if row is None:
        relation.lookups = lookups_of(queryset, names)
        return relation
    relation.of_row(row)
    if found is not None:
        relation.kind, relation.name, relation.by_key = found.kind, found.name, found.by_key
        relation.lookups = found.lookups
        relation.matched = id(row)
        relation.unmatched = lookups_of(queryset, names)
    else:
        relation.kind, relation.name = _many_relation(queryset, row)
        relation.lookups = extra_lookups(refined_query(queryset, names), row)
    if relation.method == "aggregate":
        relation.detail = _aggregate(names)
    elif relation.method in ("latest", "earliest"):
        fields = names.get("fields") or getattr(model._meta, "get_latest_by", None) or ()
        fields = (fields,) if isinstance(fields, str) else tuple(fields)
        relation.detail = fields if all(type(field) is str for field in fields) else ()
    elif relation.refined == ("values",):
        relation.detail = tuple(map(str, queryset.query.values_select))
    else:
        relation.detail = order_of(queryset)
    relation.plain = (
        bool(relation.name)
        and relation.method in _WHOLE
        and not relation.lookups
        and not relation.refined
    )
    cached = row.__dict__.get("_prefetched_objects_cache") or ()
    relation.prefetched = relation.name in cached
    return relation


def _of_two_querysets(relation: Relation, row: Any) -> Relation:
    """Note that no single relation is asked for: two querysets were joined by ``|``."""
    if row is not None:
        relation.of_row(row)
    relation.lookups = (("", ""),)
    return relation


def name_of_manager(queryset: Any, row: Any) -> tuple[str, bool]:
    """Name the manager of a row that a queryset comes from, and tell whether it is read whole."""
    _, name = _many_relation(queryset, row)
    plain = bool(name) and not extra_lookups(queryset.query, row) and not refinements(queryset)
    return name, plain


def _many_relation(queryset: Any, row: Any) -> tuple[str, str]:
    for field in queryset._known_related_objects:
        return "reverse_many", str(field.remote_field.get_accessor_name())
    through = many_to_many(type(row), queryset)
    return ("many_to_many", through[0]) if len(through) == 1 else ("queryset", "")


def _aggregate(names: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ("Sum", "price") of ``aggregate(Sum("price"))``; nothing of what is less simple."""
    expressions = [*names.get("args", ()), *names.get("kwargs", {}).values()]
    expressions = list({id(expression): expression for expression in expressions}.values())
    if len(expressions) != 1:
        return ()
    expression = expressions[0]
    sources: list[Any] = getattr(expression, "source_expressions", [])
    simple = (
        bool(sources)
        and not getattr(expression, "filter", None)
        and not getattr(expression, "distinct", False)
        and getattr(expression, "default", None) is None
        and all(source is None for source in sources[1:])
    )
    name = getattr(sources[0], "name", "") if simple else ""
    return (type(expression).__name__, name) if name else ()
