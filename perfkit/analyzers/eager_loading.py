"""Does anybody read what a queryset loads along? Told of many requests together, never of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from perfkit.analyzers.repeats import fingerprint
from perfkit.record import EagerLoad, Finding, RequestRecord, Site

#: Recordings from which on a relation that nobody read is told.
MINIMUM = 20

#: Findings that ask for a relation to be loaded, or tell how it is asked for: where one of them names
#: a relation, taking it out as well would be the opposite advice.
_WANTING = frozenset({"deferred_load", "n_plus_one", "wasted_prefetch"})


class Uses(NamedTuple):
    """What a number of recordings tell about a relation that one line loads along.

    Attributes:
        load: model, path, method and line; its rows and whether it was used do not count.
        recordings: those that loaded it, with rows.
        used: those in which it was read.
    """

    load: EagerLoad
    recordings: int
    used: int


def count(records: Iterable[RequestRecord]) -> list[Uses]:
    """Count the recordings that loaded each relation along, and that read it."""
    return merged(
        Uses(load, 1, int(load.used)) for record in records for load in record.eager_loads
    )


def merged(uses: Iterable[Uses]) -> list[Uses]:
    """Add up counts of the same relation, method and line."""
    found: dict[tuple[str, str, str, Site | None], Uses] = {}
    for each in uses:
        load = each.load
        key = (load.model, load.path, load.method, load.site)
        known = found.get(key)
        if known is not None:
            each = Uses(load, known.recordings + each.recordings, known.used + each.used)
        found[key] = each
    return list(found.values())


def unused(
    uses: Iterable[Uses], findings: Iterable[Finding] = (), minimum: int = MINIMUM
) -> list[Finding]:
    """Return what is loaded along and never read, that of most recordings first.

    Args:
        uses: counts, one entry for each relation, method and line.
        findings: all others of the same recordings; none is contradicted.
        minimum: recordings that are enough to tell.
    """
    wanted = {
        (finding.model, path.strip())
        for finding in findings
        if finding.kind in _WANTING
        for path in finding.path.split(",")
    }
    idle = [each for each in uses if not each.used and each.recordings >= minimum]
    found: dict[str, Finding] = {}
    for each in sorted(idle, key=lambda each: (-each.recordings, each.load.path)):
        if any(_lies_behind(each, other) for other in idle) or _is_wanted(each.load, wanted):
            continue
        behind = [other for other in idle if _lies_behind(other, each)]
        finding = _finding(each, behind)
        known = found.get(finding.fingerprint)
        if known is not None:  # another line of the same function, or the same one moved
            finding = replace(
                known, count=known.count + finding.count, saved=known.saved + finding.saved
            )
        found[finding.fingerprint] = finding
    return list(found.values())


def _lies_behind(inner: Uses, outer: Uses) -> bool:
    """Tell whether one relation is reached through another that the same line loads along."""
    return (inner.load.model, inner.load.site) == (
        outer.load.model,
        outer.load.site,
    ) and inner.load.path.startswith(f"{outer.load.path}__")


def _is_wanted(load: EagerLoad, wanted: set[tuple[str, str]]) -> bool:
    path = f"{load.path}__"
    return any(
        model == load.model
        and (f"{other}__".startswith(path) or (other and path.startswith(f"{other}__")))
        for model, other in wanted
    )


def _finding(uses: Uses, behind: list[Uses]) -> Finding:
    load = uses.load
    prefetches = [each for each in (uses, *behind) if each.load.method == "prefetch_related"]
    return Finding(
        kind="unused_eager_load",
        severity="info",
        message=_message(load, behind),
        count=uses.recordings,
        saved=sum(each.recordings for each in prefetches),
        cost_ms=0.0,
        fingerprint=fingerprint("unused_eager_load", load.model, load.path, load.method, load.site),
        model=load.model,
        path=load.path,
        origin=load.site,
    )


def _message(load: EagerLoad, behind: list[Uses]) -> str:
    above, _, _ = load.path.rpartition("__")
    also = f", with what is loaded through it: {', '.join(_paths(behind))}" if behind else ""
    told = f"{load.model}: {load.path} is loaded along by {load.method}() and nobody reads it"
    if above:
        return f"{told}; load no more than {above} there{also}"
    return f"{told}; take it out of {load.method}() where the queryset is built{also}"


def _paths(uses: list[Uses]) -> list[str]:
    return list(dict.fromkeys(sorted(each.load.path for each in uses)))
