"""Watches whether anybody reads the relations that a queryset loads along.

Rows are watched while nobody is known to read a relation; what is read once is settled for the life
of the process, and evaluations at that line cost a look into a dict. Either all rows of an evaluation
are watched or none: the one row left out may be the one whose relation is read. What cannot be told
counts as read. Not watched are ``Prefetch(to_attr=...)``, which is an attribute like any other,
``select_related()`` without names, where Django chooses, joins of rows that are locked,
``iterator()``, and querysets that a package or Django built: nobody here can edit those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from sys import _getframe
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist

from perfkit.capture.builder import is_built_here, is_own
from perfkit.capture.current import Trace, current
from perfkit.capture.noting import JOIN, PREFETCH, Load, watch
from perfkit.capture.origin import Origin
from perfkit.capture.places import Place

Site = TypeVar("Site")

#: Rows of one evaluation that are watched: about a third of a millisecond.
MOST_ROWS = 1_000

#: Relations noted in one trace.
_MOST_LOADS = 500

_watching = False


def install() -> None:
    """Start watching."""
    global _watching
    _watching = True


def uninstall() -> None:
    """Stop watching; rows that are watched already note what is read, and nobody asks."""
    global _watching
    _watching = False


def note(rows: list[Any], origin: Origin, queryset: Any) -> None:
    """Watch what a queryset loads along to its rows.

    Args:
        rows: all rows of one evaluation, before anything is prefetched for them.
        origin: where it was evaluated.
        queryset: what was evaluated.
    """
    if not loads_along(queryset):
        return
    trace = current.get()
    if trace is None or trace.closed or not rows:
        return
    try:
        _note(trace, rows, origin, queryset)
    except Exception as error:  # the site's rows must come for all that
        trace.fail("eager load hook", error)


def outcomes(
    loads: Iterable[Load], site_of: Callable[[Place], Site], broke_off: bool = False
) -> list[tuple[str, str, str, Site, int, bool]]:
    """Tell of each relation that was loaded along somewhere whether it was read.

    What loaded nothing tells nothing, and no more does what was not watched wholly, unless somebody
    is known to read it.

    Args:
        loads: ``trace.eager_loads``.
        site_of: turns a place into a line of text.
        broke_off: what was recorded failed, and may have been about to read the rest.

    Returns:
        Fields of ``perfkit.record.EagerLoad``, in their order; one for each relation and line.
    """
    found: dict[tuple[str, str, str, Site], tuple[int, bool]] = {}
    for load in list(loads):
        if load.used or (load.rows and not load.blind and not broke_off):
            key = (load.model, load.path, load.method, site_of(load.place))
            rows, used = found.get(key, (0, False))
            found[key] = (rows + load.rows, used or load.used)
    return [(*key, *value) for key, value in found.items()]


def loads_along(queryset: Any) -> bool:
    """Tell whether a queryset loads relations along, and somebody watches."""
    return _watching and bool(queryset.query.select_related or queryset._prefetch_related_lookups)


def _note(trace: Trace, rows: list[Any], origin: Origin, queryset: Any) -> None:
    root = origin.loads
    if root is None:
        root = _node_of(origin) if is_built_here(queryset.model, _getframe(1)) else None
        if root is None:
            return
    wanted = queryset.query.select_related
    # A lock on the joined rows may be all that they are wanted for.
    if not isinstance(wanted, dict) or queryset.query.select_for_update:
        wanted = {}
    new: list[Load] = []
    _grow_joins(root, queryset.model, wanted, new)
    _grow_prefetches(root, queryset.model, queryset._prefetch_related_lookups, new)
    trace.eager_loads += new[: max(_MOST_LOADS - len(trace.eager_loads), 0)]
    if len(rows) > MOST_ROWS:
        root.lose()
        return
    _meet_joined(rows, root, queryset.model, wanted)
    watch(rows, root)


def _node_of(origin: Origin) -> Load | None:
    """Find the rows of an origin in what their root queryset loads along."""
    if origin.loads is not None:
        return origin.loads
    if origin.step not in ("join", "prefetch"):
        if origin.place is None or not is_own(origin.place):
            return None
        origin.loads = Load.of_rows(origin.model, "", origin.place)
    elif origin.parent is not None and (above := _node_of(origin.parent)) is not None:
        path = f"{above.path}__{origin.name}" if above.path else origin.name
        known = (*above.fields.values(), *above.many.values())
        origin.loads = next(
            (load for load in known if load.path == path),
            Load.of_rows(above.model, path, above.place),
        )
    return origin.loads


def _grow(node: Load, names: dict[str, Load], name: str, step: str, method: str) -> Load:
    path = f"{node.path}__{step}" if node.path else step
    load = names[name] = Load(node.model, path, method, node.place)
    return load


def _grow_joins(node: Load, model: Any, wanted: dict[str, Any], new: list[Load]) -> None:
    for name, inner in wanted.items():
        field = _joined_field(model, name)
        if field is None:
            continue
        load = node.fields.get(field.cache_name)
        if load is None:
            load = _grow(node, node.fields, field.cache_name, name, JOIN)
            new.append(load)
        if inner:
            _grow_joins(load, field.related_model, inner, new)


def _grow_prefetches(root: Load, model: Any, lookups: Any, new: list[Load]) -> None:
    for lookup in lookups:
        through = getattr(lookup, "prefetch_through", lookup)
        to = getattr(lookup, "prefetch_to", lookup)
        node, target = root, model
        for step, attribute in zip(through.split("__"), to.split("__"), strict=True):
            relation = _relations(target).get(step) if step == attribute else None
            if relation is None:  # to_attr, or no relation: what lies below is not seen either
                break
            single, name, target = relation
            names = node.fields if single else node.many
            load = names.get(name)
            if load is None:
                load = _grow(node, names, name, step, PREFETCH)
                new.append(load)
            node = load
        else:
            inner = getattr(lookup, "queryset", None)
            if inner is not None:
                _grow_prefetches(node, target, inner._prefetch_related_lookups, new)


def _meet_joined(rows: list[Any], node: Load, model: Any, wanted: dict[str, Any]) -> None:
    """Count the joined rows, and watch those to which more was loaded along."""
    for name, inner in wanted.items():
        field = _joined_field(model, name)
        if field is None:
            continue
        name = field.cache_name
        load = node.fields[name]
        below = load.is_open_below
        if load.used and not below:
            continue
        cached = (dict.get(row._state.fields_cache, name) for row in rows)
        related = [row for row in cached if row is not None]
        load.rows += len(related)
        if below and related:
            _meet_joined(related, load, field.related_model, inner)
            watch(related, load)


def _joined_field(model: Any, name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:  # the alias of a FilteredRelation
        return None


@lru_cache(maxsize=1024)
def _relations(model: Any) -> dict[str, tuple[bool, str, Any]]:
    """Map what can be prefetched to where Django keeps it.

    Returns:
        attribute -> whether it leads to one row, its name in the row's ``fields_cache`` or
        ``_prefetched_objects_cache``, and the model it leads to.
    """
    found: dict[str, tuple[bool, str, Any]] = {}
    for field in model._meta.get_fields(include_hidden=True) if model is not None else ():
        if not field.is_relation:
            continue
        single = bool(field.one_to_one or field.many_to_one)
        if field.auto_created and not field.concrete:
            attribute = field.get_accessor_name()
            name = field.field.related_query_name() if field.many_to_many else field.cache_name
        else:
            attribute = field.name
            name = field.cache_name if single else field.name
        found[attribute] = (single, name, field.related_model)
    return found
