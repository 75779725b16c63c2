"""Tags the rows that ``select_related`` builds along with a queryset's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from perfkit.capture.origin import Origin, label_of

#: (name in the row's fields_cache, origin of the joined rows, what was joined to those).
Join = tuple[str, Origin, "Joins"]
Joins = tuple[Join, ...]

#: As deep as ``select_related()`` without names goes.
_DEEPEST = 5


def joins_of(queryset: Any, origin: Origin, row: Any) -> Joins:
    """Return what was joined to a queryset's rows.

    Args:
        queryset: one with ``select_related``.
        origin: that of its rows.
        row: its first one; ``select_related()`` without names follows keys that are never null,
            so one row shows them all.
    """
    wanted = queryset.query.select_related
    if wanted is True:
        joins = _joined_to(row, origin, _DEEPEST)
        if origin.facts is not None and not origin.facts.joined:
            origin.facts = origin.facts._replace(joined=tuple(_paths(joins)))
        return joins
    return _named(wanted, queryset.model, origin)


def _named(wanted: dict[str, Any], model: Any, origin: Origin) -> Joins:
    joins: list[Join] = []
    for name, inner in wanted.items():
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:  # the alias of a FilteredRelation
            continue
        related = field.related_model
        child = origin.through("join", field.cache_name, label_of(related))
        joins.append((field.cache_name, child, _named(inner, related, child)))
    return tuple(joins)


def _joined_to(row: Any, origin: Origin, deepest: int) -> Joins:
    joins: list[Join] = []
    for field in row._meta.fields if deepest else ():
        if field.is_relation and not field.null and field.is_cached(row):
            related = field.get_cached_value(row)
            child = origin.through("join", field.name, label_of(type(related)))
            joins.append((field.cache_name, child, _joined_to(related, child, deepest - 1)))
    return tuple(joins)


def _paths(joins: Joins) -> Iterator[str]:
    for name, _, inner in joins:
        yield name
        for path in _paths(inner):
            yield f"{name}__{path}"


def tag_joined(row: Any, joins: Joins) -> None:
    """Tag the rows joined to one row."""
    cached = row._state.fields_cache
    for name, origin, inner in joins:
        related = cached.get(name)
        if related is not None:
            related._state.perfkit_origin = origin
            if inner:
                tag_joined(related, inner)
