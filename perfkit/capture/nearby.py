"""Which row of the loop a filter is about: ``Author.objects.get(pk=book.author_id)`` asks for a relation.

The rows are looked for among the local names around the statement; nothing is evaluated, and of
their values nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any, NamedTuple

from django.db.models import ForeignKey, Model

from perfkit.capture.frames import holds_its_names, names_of
from perfkit.capture.lookups import Lookups, lookup_of, refined_query
from perfkit.capture.origin import origin_of
from perfkit.capture.places import Owner, owner_of
from perfkit.capture.templates import RENDER
from perfkit.capture.templates import rows_of as rows_of_context

#: Frames looked at between an evaluation and the line that causes it.
_NEAREST = 12
#: Names looked at in one frame.
_MOST_NAMES = 30


class Match(NamedTuple):
    """The row that a filter is about, and the relation it asks for.

    ``by_key`` says that no relation was read: the site compared the key itself.
    """

    row: Any
    kind: str
    name: str
    by_key: bool
    lookups: Lookups


def many_to_many(model: type[Model], queryset: Any) -> list[str]:
    """Name the many-to-many relations of a model whose own table the queryset reads."""
    names = []
    for relation in model._meta.get_fields():
        field: Any = relation.remote_field if relation.auto_created else relation
        through = getattr(getattr(field, "remote_field", None), "through", None)
        if (
            through is not None
            and relation.related_model is not None
            and issubclass(queryset.model, relation.related_model)
            and through._meta.db_table in queryset.query.alias_map
        ):
            accessor: Any = relation
            names.append(accessor.get_accessor_name() if relation.auto_created else accessor.name)
    return names


def rows_in(values: Iterable[Any]) -> list[Any]:
    """Keep the rows among some values that bear an origin, by their type: lazy ones stay lazy."""
    return [
        value
        for _, value in zip(range(_MOST_NAMES), values, strict=False)
        if issubclass(type(value), Model) and origin_of(value) is not None
    ]


def rows_of(frame: FrameType) -> list[Any]:
    """Return the rows that a frame's local names hold."""
    if holds_its_names(frame.f_code):
        return []  # reading them would change the dict that the site has been given
    return rows_in(list(names_of(frame).values()))


def match(queryset: Any, names: Mapping[str, Any], near: list[Any]) -> Match | None:
    """Find the row and relation that a queryset's filter is about, if it is about one.

    Args:
        queryset: what was asked.
        names: the local names of its method; ``clone`` in ``get()`` holds the refined queryset.
        near: rows.
    """
    if not near:
        return None
    query = refined_query(queryset, names)
    if query.where.connector != "AND":
        return None
    children = query.where.children
    for at, child in enumerate(children):
        target = getattr(getattr(child, "lhs", None), "target", None)
        value = _one_value(child)
        if target is None or value is None:
            continue
        near_table = _nearness(child.lhs, query)
        if near_table > 1:
            continue
        others = [*children[:at], *children[at + 1 :]]
        for row in near:
            for kind, name, taken in _relations(row, queryset, target, value, others):
                if (kind == "many_to_many") != (near_table == 1) and name:
                    continue
                rest = tuple(lookup_of(other, query) for other in others if other is not taken)
                by_key = kind != "generic_many"
                return Match(row, kind, name, by_key, rest)
    return None


def generic_manager_of(queryset: Any, frame: FrameType | None) -> Match | None:
    """Find the row whose generic relation a queryset is: its manager gives no hint of it.

    Args:
        queryset: one of a model with a generic key.
        frame: where it is evaluated.
    """
    near: list[Any] = []
    for _ in range(_NEAREST):
        if frame is None:
            break
        if frame.f_code is RENDER:
            near += rows_in(rows_of_context(names_of(frame).get("context")))
        elif owner_of(frame.f_code.co_filename) is Owner.SITE:
            near += rows_of(frame)
            break
        frame = frame.f_back
    found = match(queryset, {}, near)
    return (
        found if found is not None and found.kind == "generic_many" and not found.lookups else None
    )


def _nearness(column: Any, query: Any) -> int:
    """Count the joins between a filter's column and the rows asked for; 2 stands for more than one."""
    alias = getattr(column, "alias", None)
    if alias == query.base_table:
        return 0
    join = query.alias_map.get(alias)
    return 1 if getattr(join, "parent_alias", None) == query.base_table else 2


def _one_value(lookup: Any) -> Any:
    """Return what a field is compared with, where that is one value; else None."""
    value: Any = getattr(lookup, "rhs", None)
    match getattr(lookup, "lookup_name", ""):
        case "exact":
            return value
        case "in" if type(value) in (list, tuple, set) and len(value) == 1:
            return next(iter(value))
    return None


def _relations(
    row: Any, queryset: Any, target: Any, value: Any, others: list[Any]
) -> Iterator[tuple[str, str, Any]]:
    model = queryset.model
    own = vars(row)
    meta = row._meta
    for field in meta.concrete_fields:
        if (
            isinstance(field, ForeignKey)
            and target is field.target_field
            and _same(own.get(field.attname), value)
        ):
            yield "forward", field.name, None
    remote = getattr(target, "remote_field", None)
    if (
        isinstance(target, ForeignKey)
        and remote is not None
        and target.model is model
        and isinstance(row, remote.model)
        and _same(own.get(target.target_field.attname), value)
        and (accessor := remote.get_accessor_name())
    ):
        yield "reverse_many" if remote.multiple else "reverse_one", str(accessor), None
    if (
        isinstance(target, ForeignKey)
        and isinstance(row, target.remote_field.model)
        and target.model is not model
        and _same(own.get(target.target_field.attname), value)
    ):
        # Over a relation of a relation there is none to name; over a table between there may be.
        through = many_to_many(type(row), queryset)
        yield ("many_to_many", through[0], None) if len(through) == 1 else ("queryset", "", None)
    for field in meta.private_fields:
        if (
            getattr(field, "object_id_field_name", None) == target.name
            and field.related_model is model
            and _same(str(own.get(meta.pk.attname)), str(value))
        ):
            for other in others:
                lhs = getattr(getattr(other, "lhs", None), "target", None)
                if getattr(lhs, "name", "") == field.content_type_field_name:
                    yield "generic_many", field.name, other


def _same(one: Any, other: Any) -> bool:
    # Only plain keys: comparing what a site made may run its code.
    return (
        one is not None
        and type(one) is type(other)
        and type(one).__module__ in _PLAIN
        and one == other
    )


_PLAIN = frozenset({"builtins", "uuid", "datetime", "decimal"})
