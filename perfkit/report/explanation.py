"""One finding in full: which one a fingerprint names, its history, the kept requests that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import N_PLUS_ONE, Sample
from perfkit.record import Site
from perfkit.report.model import FindingRow
from perfkit.report.source import around
from perfkit.report.window import BadOption
from perfkit.report.wording import counted
from perfkit.store.read import Stored
from perfkit.store.schema import DAY, HOUR, TEN_MINUTES

#: Steps of a history at most: a year of days is more than anybody reads.
_MOST_STEPS: Final = 31
_MOST_SAMPLES: Final = 3
#: Characters of a statement's shape by which a kept request's timeline names it.
_LEAST_SHAPE: Final = 40
#: Lines of code shown before and after the one that a finding names.
AROUND: Final = 4
#: Findings named where a fingerprint's beginning fits several.
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a finding's history.

    Attributes:
        start: Unix seconds.
        requests: that had the finding.
        of: requests of the routes in which it was seen.
        cost_ms: what it cost, all together.
    """

    start: int
    requests: int
    of: int
    cost_ms: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one finding.

    Attributes:
        finding: the finding.
        step_s: length of a step of the history, seconds.
        history: the steps from the first to the last with data, oldest first.
        samples: kept requests of its routes, those whose timeline shows the statement first.
    """

    finding: FindingRow
    step_s: int
    history: tuple[Moment, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Excerpts:
    """Some lines of one file.

    Attributes:
        places: those that a finding is about, each with what it has to do with it.
        lines: number and text; empty where the file cannot be read.
        named: the numbers of those it is about.
        doubt: why they may be other lines; "" where nothing speaks for that.
    """

    places: tuple[tuple[str, Site], ...]
    lines: tuple[tuple[int, str], ...]
    named: frozenset[int]
    doubt: str


def history_step(span_s: float) -> int:
    """Return the length of a step for the history of a window, in seconds."""
    return TEN_MINUTES if span_s <= 3 * HOUR else HOUR if span_s <= 2 * DAY else DAY


def explain(wanted: str, findings: Sequence[FindingRow], stored: Stored) -> Explanation:
    """Tell all of the finding that a fingerprint begins to name.

    Args:
        wanted: the beginning of the fingerprint.
        findings: those of the window.
        stored: the window, read with steps.

    Raises:
        BadOption: no finding's fingerprint begins so, or several do.
    """
    row = _named(wanted, findings, stored.texts)
    return Explanation(
        row, stored.step_s, _history(row, stored), tuple(_showing(row, stored.samples))
    )


def places(row: FindingRow) -> list[tuple[str, Site]]:
    """Return the lines that a finding is about, each once, with what it has to do with it."""
    found: dict[Site, str] = {}
    callers = [("Called from", site) for site in row.callers]
    parts = [("Read here, too", part.access) for part in row.parts]
    for label, site in (
        ("Where the rows are loaded", row.origin),
        ("The loop", row.loop),
        ("Where each is read" if row.kind == "n_plus_one" else "Where it happens", row.access),
        *callers,
        *parts,
    ):
        if site is not None:
            found.setdefault(site, label)
    return [(label, site) for site, label in found.items()]


def excerpts(row: FindingRow) -> list[Excerpts]:
    """Read the code around the lines that a finding is about; lines near each other come together."""
    groups: list[list[tuple[str, Site]]] = []
    for label, site in places(row):
        near = (
            group
            for group in groups
            if any(
                site.file == other.file and abs(site.line - other.line) <= 2 * AROUND
                for _, other in group
            )
        )
        group = next(near, None)
        if group is None:
            groups.append([(label, site)])
        else:
            group.append((label, site))
    return [_excerpts(group, row.last_seen) for group in groups]


def _excerpts(group: list[tuple[str, Site]], seen: float) -> Excerpts:
    sites = sorted((site for _, site in group), key=lambda site: site.line)
    lines, doubt = around(sites[0], seen, AROUND, sites[-1].line)
    return Excerpts(tuple(group), tuple(lines), frozenset(site.line for site in sites), doubt)


def _named(wanted: str, findings: Sequence[FindingRow], texts: Iterable[str]) -> FindingRow:
    fitting = [row for row in findings if row.fingerprint.startswith(wanted)]
    if len(fitting) == 1 or (fitting and fitting[0].fingerprint == wanted):
        return fitting[0]
    if fitting:
        names = ", ".join(row.fingerprint for row in fitting[:_MOST_NAMED])
        raise BadOption(
            f"--explain {wanted!r} fits {counted(len(fitting), 'finding')}: {names}: give more of it"
        )
    hint = "perfreport shows the fingerprint of each"
    if any(each.startswith(wanted) for each in texts):
        hint = "it was seen at another time or in another route: try --since all"
    raise BadOption(f"--explain {wanted!r} fits no finding of this window: {hint}")


def _history(row: FindingRow, stored: Stored) -> tuple[Moment, ...]:
    if not stored.steps:
        return ()
    windows = dict(stored.steps)
    routes = {(seen.route, seen.method) for seen in row.routes}
    starts = range(min(windows), max(windows) + 1, stored.step_s)[-_MOST_STEPS:]
    history = tuple(_moment(start, row, routes, windows.get(start)) for start in starts)
    # What only many requests together tell has no moment.
    return history if any(each.requests for each in history) else ()


def _moment(
    start: int, row: FindingRow, routes: set[tuple[str, str]], window: Window | None
) -> Moment:
    if window is None:
        return Moment(start, 0, 0, 0.0)
    of = sum(int(stats["requests"]) for key, stats in window.routes.items() if key in routes)
    stats = window.findings.get(row.fingerprint)
    return Moment(start, stats.requests, of, stats.cost_ms) if stats else Moment(start, 0, of, 0.0)


def _showing(row: FindingRow, samples: Iterable[Sample]) -> list[Sample]:
    routes = {(seen.route, seen.method) for seen in row.routes}
    own = [each for each in samples if (each.route, each.method) in routes]
    shown = [each for each in own if _shows(row, each)]
    # Without one that shows it, those that were kept for their loops are the nearest.
    found = shown or [each for each in own if each.kind == N_PLUS_ONE]
    return found[:_MOST_SAMPLES]


def _shows(row: FindingRow, sample: Sample) -> bool:
    places = {str(site) for site in (row.access, *(part.access for part in row.parts)) if site}
    timeline: list[list[Any]] = sample.data.get("timeline") or []
    for entry in timeline:
        # start, duration, what, text, times, where
        text, where = entry[3], entry[5] if len(entry) > 5 else None
        if where in places:
            return True
        named = str(text).rstrip("… ")
        if len(named) >= _LEAST_SHAPE and row.shape.startswith(named):
            return True
    return False
