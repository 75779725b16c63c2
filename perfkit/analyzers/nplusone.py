"""Is one statement run again and again for the rows of a loop?

First version: the loop is proved by the call path (the same whole path at each repeat), the
relation by the ORM's own frames, the root by the tag on the row. Code is suggested only where the
root queryset is known and takes the edit as it is; in all other cases the message says in words.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.analyzers.repeats import Repeats, fingerprint, group, is_loop
from perfkit.conf import Settings
from perfkit.record import Asked, Finding, Loaded, RequestRecord

#: Below both, a loop is told but does not warn.
_WARNING_STATEMENTS = 10
_WARNING_MS = 5.0


def analyze(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each loop."""
    groups = group(record)
    for repeats in groups:
        if is_loop(repeats, settings.n_plus_one_threshold):
            yield _finding(repeats, groups)


def _finding(repeats: Repeats, groups: list[Repeats]) -> Finding:
    first, path = repeats.queries[0], repeats.path
    asked = path.asked if path else None
    access = path.site if path else None
    count = len(repeats.queries)
    root, name = _root(asked, groups)
    fix = _fix(asked, root, name)
    saved = count if fix.startswith(".select_related") else count - 1
    cost_ms = repeats.duration_ms * saved / count
    origin = root.site if root else None
    what = f"{asked.model}.{asked.name}" if asked and asked.name else ", ".join(first.tables)
    return Finding(
        kind="n_plus_one",
        severity="warning" if count >= _WARNING_STATEMENTS or cost_ms >= _WARNING_MS else "info",
        message=_message(what, fix),
        count=count,
        saved=saved,
        cost_ms=cost_ms,
        fingerprint=fingerprint("n_plus_one", first.shape, first.alias, access, what, origin),
        model=root.model if root else (asked.model if asked else ""),
        path=name,
        fix=fix,
        access=access,
        origin=origin,
        shape=first.shape,
        alias=first.alias,
    )


def _root(asked: Asked | None, groups: list[Repeats]) -> tuple[Loaded | None, str]:
    """Find the queryset to edit and the ORM path from it to what was asked.

    A row that was prefetched leads to the queryset that has the prefetch, one that was itself
    loaded alone to the loop that loaded it, if that is one only.
    """
    if asked is None:
        return None, ""
    name = asked.name
    origin = asked.origin
    if origin is None or not name:
        return origin, name
    if origin.via:
        name = f"{origin.via}__{name}"
        while origin is not None and origin.via:
            origin = origin.parent
        return origin, name
    if not origin.single:
        return origin, name
    above = {
        step.name
        for repeats in groups
        if repeats.path
        and (step := repeats.path.asked)
        and step.origin == origin.parent
        and step.kind in ("forward", "reverse_one")
        and step.target == asked.model
    }
    if len(above) != 1:
        return None, name
    return origin.parent, f"{above.pop()}__{name}"


def _fix(asked: Asked | None, root: Loaded | None, name: str) -> str:
    if asked is None or root is None or not name or root.single or not root.eager:
        return ""
    prefetched = asked.origin is not None and asked.origin.via
    match asked.kind:
        case "forward" | "reverse_one":
            method = "prefetch_related" if prefetched else root.eager
            return f'.{method}("{name}")'
        case "reverse_many" | "many_to_many" if asked.plain:
            return f'.prefetch_related("{name}")'
        case "generic":
            return f'.prefetch_related("{name}")'
    return ""


def _message(what: str, fix: str) -> str:
    told = f"{what}: the same statement runs once for each row of a loop"
    return f"{told}; add {fix} to the queryset" if fix else f"{told}; fetch what it needs before it"
