"""What a queryset filters by and how it was refined, without any of the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfkit.capture.parts import find

_ModelIterable: Any = find("django.db.models.query:ModelIterable") or ()

Lookups = tuple[tuple[str, str], ...]


def lookups_of(queryset: Any, names: Mapping[str, Any]) -> Lookups:
    """Name the fields and lookups of a queryset's filter, and of the ``get()`` that refines it.

    Args:
        queryset: what is evaluated or asked.
        names: the local names of its method; ``clone`` in ``get()`` holds the refined queryset.
    """
    query = refined_query(queryset, names)
    return tuple(lookup_of(child, query) for child in query.where.children)


def refined_query(queryset: Any, names: Mapping[str, Any]) -> Any:
    """Return a queryset's query, or the one that its ``get()`` made of it."""
    refined: Any = names.get("clone")
    return (refined if hasattr(refined, "query") else queryset).query


def lookup_of(child: Any, query: Any) -> tuple[str, str]:
    """Name one condition: ``("name", "exact")``; ``("", "")`` when it is not a simple one."""
    column = getattr(child, "lhs", None)
    name = getattr(getattr(column, "target", None), "name", "")
    other_table = getattr(column, "alias", None) != query.base_table
    if not name or other_table or getattr(child, "negated", False):
        return ("", "")
    return (str(name), str(getattr(child, "lookup_name", "")))


def extra_lookups(query: Any, row: Any) -> Lookups:
    """Name the conditions that were added to what the row's manager gives.

    A manager's own filter comes before the relation's condition, what the site adds after it.
    """
    children = query.where.children
    for at, child in enumerate(children):
        target = getattr(getattr(child, "lhs", None), "target", None)
        related = getattr(target, "remote_field", None)
        if related is not None and isinstance(row, related.model):
            return tuple(lookup_of(other, query) for other in children[at + 1 :])
    return tuple(lookup_of(other, query) for other in children[1:])


def refinements(queryset: Any) -> tuple[str, ...]:
    """Name what was done to a queryset beyond filtering it."""
    query = queryset.query
    done = {
        "annotate": query.annotations,
        "union": query.combinator,
        "distinct": query.distinct,
        "extra": query.extra,
        # How many are asked for is part of the code, as the fields ordered by are.
        f"slice[:{query.high_mark}]": query.is_sliced and query.low_mark == 0,
        "slice": query.low_mark,
        "order_by": query.order_by or query.extra_order_by or not query.standard_ordering,
        "select_for_update": query.select_for_update,
        "select_related": query.select_related,
        "prefetch_related": queryset._prefetch_related_lookups,
        "only": query.deferred_loading != (frozenset(), True),
        "values": not issubclass(queryset._iterable_class, _ModelIterable),
    }
    return tuple(name for name, is_done in done.items() if is_done)


def order_of(queryset: Any) -> tuple[str, ...]:
    """Return the fields that a queryset is ordered by; nothing where one is an expression."""
    order = queryset.query.order_by
    if not queryset.query.standard_ordering or not all(type(field) is str for field in order):
        return ()
    return tuple(order)
