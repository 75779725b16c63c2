"""Where a queryset is evaluated, for whom, and how it was built."""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Any

from perfkit.capture import boundary
from perfkit.capture.coroutine import IN_THREAD, awaiting
from perfkit.capture.frames import names_of
from perfkit.capture.holders import OWNERS, Holder, holder_of, kind_of, view_of
from perfkit.capture.origin import Facts
from perfkit.capture.parts import code_of
from perfkit.capture.places import Owner, Place, is_host, owner_of
from perfkit.capture.templates import RENDER, node_of, template_place

#: Frames looked at.
_DEEPEST_WALK = 100

_PREFETCH = code_of("django.db.models.query:prefetch_one_level", "lookup", "level", "instances")
_NOTHING_DEFERRED = (frozenset[str](), True)
#: Of a queryset to which nothing was done; most are so.
PLAIN = Facts()


def evaluated_at(frame: FrameType | None) -> tuple[Place | None, Holder | None, str, Any]:
    """Find the line that evaluates a queryset.

    The site's own code is named first, for there the queryset was built; then the coroutine that
    waits for this thread, the site's own template, a class of the site's that a framework works
    for, the line of a package.

    Returns:
        The place; the class that a framework evaluates it for, where no code of the site's
        stands between; the relation, or its ``to_attr``, when a prefetch runs the queryset,
        else ``""``; and a row that the prefetch is for.
    """
    found: Place | None = None
    found_owner = Owner.FRAMEWORK
    via = ""
    asking: Any = None
    rendering: FrameType | None = None
    hosted = False
    start = frame
    for _ in range(_DEEPEST_WALK):
        if frame is None or id(frame.f_code) in boundary.VIEW:
            break
        code = frame.f_code
        if code is IN_THREAD and (waiting := awaiting.get()):
            return waiting.places[0], None, via, asking
        owner = owner_of(code.co_filename)
        if owner is Owner.SITE:
            holder = _holder(rendering, start if hosted else frame, frame)
            if holder is not None and not _is_of(holder[0], code):
                return holder, holder, via, asking
            return (code, frame.f_lasti), None, via, asking
        hosted = hosted or is_host(code.co_filename)
        place: Place | None = (code, frame.f_lasti)
        if code is RENDER:
            place = template_place(node_of(frame))
            owner = owner_of(str(place[0])) if place else owner
            rendering = rendering or frame
        elif code is _PREFETCH and not via:
            names = names_of(frame)
            via = names["lookup"].get_current_to_attr(names["level"])[0]
            asking = names["instances"][0]
        if owner < found_owner:
            found, found_owner = place, owner
        frame = frame.f_back
    holder = _holder(rendering, start, None)
    if holder is not None:  # there the queryset is made, and can be edited
        found = holder
    return found, holder, via, asking


def rendered_at(frame: FrameType | None) -> Place | None:
    """Return the template's line that a frame works for; None where code of the site's is nearer."""
    for _ in range(_DEEPEST_WALK):
        if frame is None or owner_of(frame.f_code.co_filename) is Owner.SITE:
            return None
        if frame.f_code is RENDER:
            return template_place(node_of(frame))
        frame = frame.f_back
    return None


def _holder(
    rendering: FrameType | None, frame: FrameType | None, end: FrameType | None
) -> Holder | None:
    """Find the class that makes the queryset; a serializer, for one, is given its rows.

    Args:
        rendering: a frame of a template's, whose context knows the view.
        frame: where to look, from the inside outwards.
        end: where to stop; None for the view's boundary.
    """
    if rendering is not None and (view := view_of(names_of(rendering).get("context"))):
        return view
    for _ in range(_DEEPEST_WALK):
        if frame is None or frame is end or id(frame.f_code) in boundary.VIEW:
            break
        holder = holder_of(frame)
        if holder is not None and kind_of(holder[0]) in OWNERS:
            return holder[0], holder[1] or "get_queryset"
        frame = frame.f_back
    return None


def _is_of(cls: type, code: CodeType) -> bool:
    """Tell whether a function is a method of a class, or of one that it builds on."""
    owner = code.co_qualname.rpartition(".")[0]
    return bool(owner) and any(base.__qualname__ == owner for base in cls.__mro__)


def facts_of(queryset: Any, iterated: bool) -> Facts:
    """Note how a queryset was built."""
    query = queryset.query
    if (
        not iterated
        and not query.select_related
        and not queryset._prefetch_related_lookups
        and not query.where.children
        and query.deferred_loading == _NOTHING_DEFERRED
        and not query.combinator
        and not query.is_sliced
        and not query.select_for_update
        and query.group_by is None
        and not query.annotations
        and not _orders_by_relation(query)
    ):
        return PLAIN
    names, is_deferred = query.deferred_loading
    wanted = query.select_related
    return Facts(
        False,
        bool(query.combinator),
        query.is_sliced,
        iterated,
        bool(query.select_for_update and not query.select_for_update_of),
        query.group_by is not None
        or bool(query.annotations)
        or _joins(query.where, query)
        or _orders_by_relation(query),
        _paths(wanted) if isinstance(wanted, dict) else (),
        wanted is True,
        lookups_of(queryset),
        None if is_deferred else tuple(sorted(names)),
        tuple(sorted(names)) if is_deferred else (),
    )


def lookups_of(queryset: Any) -> tuple[str, ...]:
    """Name what a queryset prefetches, each by where it is put."""
    return tuple(
        getattr(lookup, "prefetch_to", lookup) for lookup in queryset._prefetch_related_lookups
    )


def _orders_by_relation(query: Any) -> bool:
    """Tell whether rows may come several times, in the order of a relation."""
    return any(type(field) is str and "__" in field for field in query.order_by)


def _joins(where: Any, query: Any) -> bool:
    """Tell whether a filter looks into another table: counting over that join counts less."""
    for child in where.children:
        if hasattr(child, "children"):
            if _joins(child, query):
                return True
        elif getattr(getattr(child, "lhs", None), "alias", None) not in (None, query.base_table):
            return True
    return False


def _paths(wanted: dict[str, Any]) -> tuple[str, ...]:
    paths: list[str] = []
    for name, inner in wanted.items():
        paths.append(name)
        paths += [f"{name}__{path}" for path in _paths(inner)]
    return tuple(paths)
