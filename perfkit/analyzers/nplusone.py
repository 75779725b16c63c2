"""Is one statement run again and again for the rows of a loop, and which one edit ends it?

Everything about one root queryset is one finding. Without a root, everything in one loop is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import replace

from perfkit.acceptance.accepted import Acceptance
from perfkit.acceptance.files import line_text
from perfkit.analyzers.access import Access, read_loops
from perfkit.analyzers.edits import edit_of, edit_without_root, longest
from perfkit.analyzers.repeats import fingerprint
from perfkit.conf import Settings
from perfkit.record import Finding, RequestRecord, Site

#: need -> the kind of a finding that has no other need.
_KINDS = {"field": "deferred_load", "wasted": "wasted_prefetch"}


def analyze(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each queryset, or loop, that one edit puts right."""
    acceptance = Acceptance(settings.ignore, record.route, record.method)
    groups: dict[Hashable, list[Access]] = defaultdict(list)
    for access in read_loops(record, settings):
        model, sites = _model(access), (access.site, *access.callers, access.loop, _origin(access))
        if not acceptance.accepts(kind_of([access]), model, access.path, sites):
            groups[_key(access)].append(access)
    loops = {access.site for accesses in groups.values() for access in accesses}
    for accesses in groups.values():
        if all(_is_within(access, loops) for access in accesses):
            continue
        accesses.sort(key=lambda access: (-access.repeats.duration_ms, access.path))
        finding = _finding(accesses, settings)
        if finding is not None:
            yield finding


def _is_within(access: Access, loops: set[Site | None]) -> bool:
    """Tell whether a prefetch for one row runs because its queryset is evaluated in a loop."""
    root = access.root
    return (
        access.need == "prefetch"
        and root is not None
        and root.times > 1
        and root.site in loops - {access.site if access.site != root.site else None}
    )


def _key(access: Access) -> Hashable:
    root = access.root
    if root is not None and access.names:
        return (root.model, root.site)
    return (access.loop or access.site, access.site if access.loop is None else None)


def _model(access: Access) -> str:
    if access.root is not None:
        return access.root.model
    asked = access.asked
    return (asked.model or asked.target) if asked is not None else ""


def _origin(access: Access) -> Site | None:
    return access.root.site if access.root is not None else None


def kind_of(accesses: list[Access]) -> str:
    """Name the finding that covers some accesses."""
    kinds = {_KINDS.get(access.need, "n_plus_one") for access in accesses}
    return kinds.pop() if len(kinds) == 1 else "n_plus_one"


def _finding(accesses: list[Access], settings: Settings) -> Finding | None:
    worst = accesses[0]
    root = worst.root if worst.names else None
    if root is not None:
        # One line may have evaluated it in several ways, and as often.
        times = sum(one.times for one in {access.root for access in accesses} if one is not None)
        edit = edit_of(replace(root, times=times), accesses)
    else:
        edit = edit_without_root(accesses)
    count = sum(access.count for access in accesses)
    saved = sum(max(one, 0) for one in edit.saved)
    if count > 1 and not saved:
        return None
    cost_ms = sum(
        access.repeats.duration_ms * max(one, 0) / access.count
        for access, one in zip(accesses, edit.saved, strict=True)
    )
    costs = count >= settings.n_plus_one_threshold or (
        count > 1 and cost_ms >= settings.n_plus_one_ms
    )
    models = {_model(access) for access in accesses}
    model = models.pop() if len(models) == 1 else ""
    paths = longest(access.path for access in accesses if access.path)
    what = ", ".join(dict.fromkeys(access.what for access in accesses))
    origin = worst.root.site if worst.root is not None else None
    kind = kind_of(accesses)
    alias = worst.repeats.queries[0].alias
    named = origin if root is not None else worst.loop or worst.site
    where = "a loop"
    text = line_text(named.file, named.line) if named is not None else ""
    if root is None:  # the line of a loop is often the same: "for row in rows:"
        first = min(accesses, key=lambda access: (str(access.site), access.what))
        text += first.what + (line_text(first.site.file, first.site.line) if first.site else "")
    if all(access.repeats.path and access.repeats.path.in_package for access in accesses):
        where = "a loop of an installed package"
    return Finding(
        kind=kind,
        severity="warning" if costs else "info",
        message=f"{what}: the same statement runs for each row of {where}; {edit.advice}",
        count=count,
        saved=saved,
        cost_ms=cost_ms,
        fingerprint=fingerprint(
            "n_plus_one", model if root is not None else "", alias, named, text
        ),
        model=model,
        path=", ".join(paths),
        fix=edit.fix,
        access=worst.site,
        origin=origin,
        shape=worst.repeats.queries[0].shape,
        alias=alias,
        loop=worst.loop,
        callers=worst.callers,
        parts=tuple(access.part() for access in accesses),
    )
