"""Which queryset loaded a row.

Rows of a queryset that yields at least two carry an ``Origin`` in their ``_state``: one attribute
per row, set where the row is built, and only while somebody records. Rows outlive requests, so an
origin pickles to ``None`` and holds neither row nor queryset.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import _getframe
from types import FrameType
from typing import Any

from django.db.models.query import MAX_GET_RESULTS, ModelIterable, QuerySet, prefetch_one_level

from perfkit.capture import boundary
from perfkit.capture.current import Trace, current
from perfkit.capture.places import Owner, Place, owner_of
from perfkit.capture.templates import RENDER, node_of, template_place

#: The name of the tag in ``instance._state``.
TAG = "perfkit_origin"

#: Frames looked at for the line that evaluated a queryset.
_DEEPEST_WALK = 100

_original_iter = ModelIterable.__iter__
_PREFETCH = prefetch_one_level.__code__
_GET = QuerySet.get.__code__


class Origin:
    """The evaluation of one queryset.

    Attributes:
        model: label of the rows' model, ``"shop.Product"``.
        place: the line that evaluated it, or None: (code object, instruction offset), or
            (template name, line).
        eager: the method that may be added to it as it is: ``select_related``,
            ``prefetch_related``, or ``""`` when neither may.
        parent: the origin of the row through which the queryset was reached, or None.
        single: the row was loaded by itself (lazily), so the edit belongs to the parent.
        via: the lookup of the prefetch that ran it, ``""`` for a queryset of the site's own.
    """

    __slots__ = ("_derived", "eager", "model", "parent", "place", "single", "via")

    def __init__(
        self,
        model: str,
        place: Place | None,
        eager: str,
        parent: Origin | None,
        single: bool = False,
        via: str = "",
    ) -> None:
        self.model = model
        self.place = place
        self.eager = eager
        self.parent = parent
        self.single = single
        self.via = via
        self._derived: Origin | None = None

    def derived(self) -> Origin:
        """Return the one origin of all rows that are loaded one at a time from rows of this."""
        if self._derived is None:
            self._derived = Origin("", None, "", self, single=True)
        return self._derived

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return (type(None), ())

    def __deepcopy__(self, memo: dict[int, Any]) -> Origin:
        return self


def origin_of(instance: Any) -> Origin | None:
    """Return the tag of a row, or None."""
    # Not by the state's __dict__: asking for it would make one for every row.
    return getattr(getattr(instance, "_state", None), TAG, None)


def iterate(iterable: Any) -> Iterator[Any]:
    """Stand in for ``ModelIterable.__iter__``: the same rows, tagged while somebody records."""
    trace = current.get()
    if trace is None or trace.closed:
        return _original_iter(iterable)
    queryset = iterable.queryset
    most = queryset.query.high_mark
    if most != 1 and (most != MAX_GET_RESULTS or _getframe(3).f_code is not _GET):
        return tagged(trace, queryset, _original_iter(iterable))
    # first() and get(), which every lazy load goes through: one row, and no generator for it.
    rows = _original_iter(iterable)
    lone = lineage(trace, queryset)[1] if queryset._hints else None
    if lone is None:
        return rows
    loaded = list(rows)
    for row in loaded:
        row._state.perfkit_origin = lone
    return iter(loaded)


def tagged(trace: Trace, queryset: Any, rows: Iterator[Any]) -> Iterator[Any]:
    """Yield the rows, tagged; the line is looked for once, when a second row is asked for."""
    first = next(rows, None)
    if first is None:
        return
    parent, lone = lineage(trace, queryset)
    if lone is not None:
        first._state.perfkit_origin = lone
    yield first
    second = next(rows, None)
    if second is None:
        return
    origin = begin_origin(trace, queryset, parent, _getframe(1))
    first._state.perfkit_origin = origin
    del first
    second._state.perfkit_origin = origin
    yield second
    del second
    for row in rows:
        row._state.perfkit_origin = origin
        yield row


def lineage(trace: Trace, queryset: Any) -> tuple[Origin | None, Origin | None]:
    """Return the origin of the row that asked, and the tag of a row loaded alone through it."""
    try:
        parent = origin_of(queryset._hints.get("instance"))
        if parent is None or queryset._known_related_objects:  # the latter: a manager's first()
            return parent, None
        return parent, parent if parent.single else parent.derived()
    except Exception as error:  # the site's rows must come for all that
        trace.fail("origin hook", error)
        return None, None


def begin_origin(
    trace: Trace, queryset: Any, parent: Origin | None, frame: FrameType
) -> Origin | None:
    """Make the tag of a queryset's rows; None when we fail, which the pipeline reports."""
    try:
        place, via = evaluated_at(frame)
        model = queryset.model._meta.label
        return Origin(model, place, eager_method(queryset.query), parent, via=via)
    except Exception as error:  # the site's rows must come for all that
        trace.fail("origin hook", error)
        return None


def evaluated_at(frame: FrameType | None) -> tuple[Place | None, str]:
    """Find the line that evaluates a queryset.

    The site's own code is named first, for there the queryset was built; then the site's own
    template, a generic view having no code of its own; then the line of a package.

    Returns:
        The place, and the lookup when a prefetch runs the queryset, else ``""``.
    """
    found: Place | None = None
    found_owner = Owner.FRAMEWORK
    via = ""
    for _ in range(_DEEPEST_WALK):
        if frame is None or id(frame.f_code) in boundary.VIEW:
            break
        code = frame.f_code
        owner = owner_of(code.co_filename)
        if owner is Owner.SITE:
            return (code, frame.f_lasti), via
        place: Place | None = (code, frame.f_lasti)
        if code is RENDER:
            place = template_place(node_of(frame))
            owner = owner_of(str(place[0])) if place else owner
        elif code is _PREFETCH and not via:
            names = frame.f_locals
            via = names["lookup"].get_current_prefetch_to(names["level"])
        if owner < found_owner:
            found, found_owner = place, owner
        frame = frame.f_back
    return found, via


def eager_method(query: Any) -> str:
    """Name the method that loads relations along and may be added to this query, or ``""``."""
    if query.combinator:  # union() and the like take neither
        return ""
    joined = not (query.deferred_loading[0] or query.select_for_update)
    return "select_related" if joined else "prefetch_related"


def install() -> None:
    """Start tagging rows."""
    ModelIterable.__iter__ = iterate  # type: ignore[method-assign]  # the hook itself


def uninstall() -> None:
    """Leave the ORM as it was; tags on rows stay and mean nothing."""
    if ModelIterable.__iter__ is iterate:
        ModelIterable.__iter__ = _original_iter  # type: ignore[method-assign]  # undone
