"""Tags rows where they are built: stands in for ``ModelIterable.__iter__`` while somebody records.

A queryset that is evaluated whole is loaded here at once, as Django is about to do itself, so that
tagging costs one store a row; ``iterator()`` and its kin are followed row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from sys import _getframe
from types import FrameType
from typing import Any

from django.db.models import Model

from perfkit.capture import usage
from perfkit.capture.current import Trace, current
from perfkit.capture.evaluation import PLAIN, evaluated_at, facts_of, lookups_of, rendered_at
from perfkit.capture.joined import Joins, joins_of, tag_joined
from perfkit.capture.lookups import refinements
from perfkit.capture.nearby import generic_manager_of
from perfkit.capture.origin import TAG, Facts, Origin, label_of, origin_of
from perfkit.capture.parts import code_of, find
from perfkit.capture.relation import name_of_manager
from perfkit.capture.roles import DESCRIPTORS, roles

_QUERY = "django.db.models.query"
_MODEL_ITERABLE: Any = find(f"{_QUERY}:ModelIterable")
_RAW_ITERABLE: Any = find(f"{_QUERY}:RawModelIterable")
MAX_GET_RESULTS: Any = find(f"{_QUERY}:MAX_GET_RESULTS")
_FETCH_ALL = code_of(f"{_QUERY}:QuerySet._fetch_all")
_GET = code_of(f"{_QUERY}:QuerySet.get")
_original_iter: Callable[[Any], Iterator[Any]] = find(f"{_QUERY}:ModelIterable.__iter__")
_original_raw_iter: Callable[[Any], Iterator[Any]] = find(f"{_QUERY}:RawModelIterable.__iter__")


def _share_keys() -> None:
    """Let CPython know the tag's name before rows are made.

    Instances of a class share the names of their attributes; which, CPython settles with the first
    few dozen. A name that comes later costs each row a dict: 265 bytes and 0.1 µs on 3.11.
    """
    make = find("django.db.models.base:ModelState")
    if make is None:
        return
    state = make()
    state.fields_cache, state.adding, state.db = {}, False, None
    setattr(state, TAG, None)


_share_keys()


def iterate(iterable: Any) -> Iterator[Any]:
    """Give the same rows, tagged while somebody records."""
    trace = current.get()
    rows = _original_iter(iterable)
    if trace is None or trace.closed:
        return rows
    try:
        queryset = iterable.queryset
        frame = _getframe(1)
        if frame.f_code is not _FETCH_ALL:
            return _followed(trace, queryset, rows)
        query = queryset.query
        most = query.high_mark
        lone = None
        # first(), [3] and get(), which every lazy load goes through.
        alone = most is not None and (
            most - query.low_mark == 1 or (most == MAX_GET_RESULTS and _getframe(3).f_code is _GET)
        )
        if alone:
            # One look is cheaper than a step at a time, which makes an object of each frame.
            asker, lone = lone_origin(queryset, _getframe(4))
            if lone is None and not usage.loads_along(queryset):
                return rows
        else:
            instance = queryset._hints.get("instance") if queryset._hints else None
            asker = None if instance is None else origin_of(instance)
    except Exception as error:  # the site's rows must come for all that
        trace.fail("origin hook", error)
        return rows
    trace.asker, trace.asked = asker, lone.name if lone is not None else ""
    try:
        loaded = list(rows)
    finally:
        trace.asker, trace.asked = None, ""
    if loaded:
        if lone is not None:
            _tag_lone(trace, loaded, lone)
        elif alone:
            _note(trace, queryset, loaded, frame)
        else:
            _tag(trace, queryset, loaded, asker, frame)
    return iter(loaded)


def _tag(
    trace: Trace, queryset: Any, loaded: list[Any], parent: Origin | None, frame: FrameType
) -> None:
    try:
        if not isinstance(loaded[0], Model):  # a from_db() of the site's own may give anything
            return
        origin = begin_origin(trace, queryset, parent, frame)
        if len(loaded) > 1:
            origin.several = True
        for row in loaded:
            row._state.perfkit_origin = origin
        if queryset.query.select_related:
            joins = joins_of(queryset, origin, loaded[0])
            for row in loaded:
                tag_joined(row, joins)
        usage.note(loaded, origin, queryset)
    except Exception as error:  # the site's rows must come for all that
        trace.fail("origin hook", error)


def _tag_lone(trace: Trace, loaded: list[Any], lone: Origin) -> None:
    try:
        for row in loaded:
            if isinstance(row, Model):
                row._state.perfkit_origin = lone  # type: ignore[attr-defined]  # the tag
    except Exception as error:  # the site's row must come for all that
        trace.fail("origin hook", error)


def _note(trace: Trace, queryset: Any, loaded: list[Any], frame: FrameType) -> None:
    """Tag a row that was asked for alone with relations along, and watch whether these are read.

    The tag leads what is prefetched for it back to its line.
    """
    try:
        if not isinstance(loaded[0], Model):
            return
        origin = begin_origin(trace, queryset, None, frame)
        origin.several = True  # one row was asked for: that one came tells nothing
        _tag_lone(trace, loaded, origin)
        if queryset.query.select_related:
            tag_joined(loaded[0], joins_of(queryset, origin, loaded[0]))
        usage.note(loaded, origin, queryset)
    except Exception as error:  # the site's row must come for all that
        trace.fail("origin hook", error)


def lone_origin(queryset: Any, outer: Any) -> tuple[Origin | None, Origin | None]:
    """Return the tag of the row that asks for another, and the tag for that other row.

    Args:
        queryset: what ``get()`` or ``first()`` evaluates.
        outer: the frame that called it.
    """
    hints = queryset._hints
    instance = hints.get("instance") if hints else None
    role = roles.get(id(outer.f_code))
    if role is None and instance is None:
        # A generic key asks its content type for the row, which gives no hint.
        outer = outer.f_back
        role = roles.get(id(outer.f_code)) if outer is not None else None
    if role is not None and role.part in DESCRIPTORS:
        if role.part == "forward" and instance is not None:
            parent = origin_of(instance)
            if parent is None:
                return None, None
            name = only_key(type(instance), queryset.model)
            if name:
                return parent, parent.through("single", name, label_of(queryset.model))
        names = outer.f_locals
        instance = names.get("instance")
        parent = origin_of(instance)
        if parent is None:
            return None, None
        subject = names["self"]
        field = getattr(subject, "field", None) or getattr(subject, "related", subject)
        name = field.get_accessor_name() if role.part == "reverse_one" else field.name
        return parent, parent.through("single", name, label_of(queryset.model))
    parent = None if instance is None else origin_of(instance)
    if parent is None:
        return None, None
    return parent, parent.through("refined", "", label_of(queryset.model))


def only_key(model: Any, target: Any) -> str:
    """Return the one key of a model that leads to another; ``""`` where there is none or a choice.

    Where there is no choice, the frame that knows it need not be read.
    """
    name = _only_keys.get((model, target))
    if name is None:
        keys = [
            str(field.name)
            for field in model._meta.concrete_fields
            if field.related_model is not None and issubclass(target, field.related_model)
        ]
        name = _only_keys[model, target] = keys[0] if len(keys) == 1 else ""
    return name


_only_keys: dict[tuple[Any, Any], str] = {}


def _followed(trace: Trace, queryset: Any, rows: Iterator[Any]) -> Iterator[Any]:
    """Yield rows one by one, tagged; whether there are several is known as they come."""
    instance = queryset._hints.get("instance") if queryset._hints else None
    trace.asker = parent = None if instance is None else origin_of(instance)
    try:
        first = next(rows, None)
    finally:
        trace.asker = None
    if first is None:
        return
    origin: Origin | None = None
    joins: Joins = ()
    try:
        if isinstance(first, Model):
            origin = begin_origin(trace, queryset, parent, _getframe(1), iterated=True)
            first._state.perfkit_origin = origin  # type: ignore[attr-defined]  # the tag
        if origin is not None and queryset.query.select_related:
            joins = joins_of(queryset, origin, first)
            tag_joined(first, joins)
    except Exception as error:  # the site's rows must come for all that
        trace.fail("origin hook", error)
    yield first
    del first
    for row in rows:
        if origin is not None and isinstance(row, Model):
            origin.several = True
            row._state.perfkit_origin = origin  # type: ignore[attr-defined]  # the tag
            if joins:
                tag_joined(row, joins)
        yield row


def iterate_raw(iterable: Any) -> Iterator[Any]:
    """Stand in for ``RawModelIterable.__iter__``."""
    trace = current.get()
    rows = _original_raw_iter(iterable)
    if trace is None or trace.closed:
        return rows
    return _followed_raw(trace, iterable.queryset, rows)


def _followed_raw(trace: Trace, queryset: Any, rows: Iterator[Any]) -> Iterator[Any]:
    origin = None
    for row in rows:
        try:
            if origin is None:
                place, owner, _, _ = evaluated_at(_getframe(1))
                facts = Facts(raw=True, prefetched=lookups_of(queryset))
                origin = trace.root(label_of(queryset.model), place, facts, owner)
            else:
                origin.several = True
            row._state.perfkit_origin = origin
        except Exception as error:  # the site's rows must come for all that
            trace.fail("origin hook", error)
        yield row


def begin_origin(
    trace: Trace,
    queryset: Any,
    parent: Origin | None,
    frame: FrameType,
    iterated: bool = False,
) -> Origin:
    """Make the tag of a queryset's rows, or find that of the same line and parent.

    Args:
        trace: what is being recorded.
        queryset: what is being evaluated.
        parent: the origin of the row through whose manager it was reached, or None.
        frame: that of ``_fetch_all``, or of whatever drives the iteration.
        iterated: whether ``iterator()`` evaluates it.
    """
    place, owner, via, asking = evaluated_at(frame)
    model = label_of(queryset.model)
    if via:
        parent = origin_of(asking)
        if parent is None:  # its rows were loaded before, or by themselves: no line is known
            parent = trace.root(label_of(asking.__class__), None, PLAIN, None)
        return parent.through("prefetch", via, model)
    found = None
    if parent is None and queryset.model._meta.private_fields:
        found = generic_manager_of(queryset, frame)
        parent = None if found is None else origin_of(found.row)
    if parent is None:
        if queryset._hints:  # a manager's: the template made it, not the line that renders
            place = rendered_at(frame) or place
        return trace.root(model, place, facts_of(queryset, iterated), owner)
    # One line may evaluate two managers of a row.
    known = next(iter(queryset._known_related_objects), None)
    key = (place, model, known or (found.name if found else tuple(queryset.query.alias_map)))
    origin = parent.children.get(key)
    if origin is None:
        if found is not None:
            name, plain = found.name, not refinements(queryset)
        else:
            name, plain = name_of_manager(queryset, queryset._hints["instance"])
        again = parent.place == place and (parent.model, parent.name) == (model, name)
        if again or parent.is_deepest:
            parent.recursive = True
            return parent
        step = "many" if plain else "refined"
        origin = Origin(model, place, step, name, parent, facts_of(queryset, iterated), owner)
        parent.children[key] = origin
    elif origin.trace == trace.serial:
        origin.times += 1
    else:  # rows that outlived a recording
        origin.times = 1
    origin.trace = trace.serial
    return origin


def install() -> None:
    """Start tagging rows."""
    _MODEL_ITERABLE.__iter__ = iterate
    _RAW_ITERABLE.__iter__ = iterate_raw


def uninstall() -> None:
    """Leave the ORM as it was; tags on rows stay and mean nothing."""
    if _MODEL_ITERABLE.__iter__ is iterate:
        _MODEL_ITERABLE.__iter__ = _original_iter
    if _RAW_ITERABLE.__iter__ is iterate_raw:
        _RAW_ITERABLE.__iter__ = _original_raw_iter
