"""A comparison of two windows as a page shows it: what got worse, by how much, how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from perfkit.report.compare.model import (
    BETTER,
    WORSE,
    Comparison,
    Figure,
    FindingChange,
    RouteChange,
    Side,
)
from perfkit.report.compare.wording import claims
from perfkit.report.wording import counted, duration, figure, moment, percent, printable

_NAMES: Final = {
    "mean_ms": "mean",
    "p50_ms": "p50",
    "p95_ms": "p95",
    "error_share": "errors",
    "statements_per_request": "statements a request",
}
#: A verdict as a class of the style sheet; the words say it too.
_LOOKS: Final = {WORSE: "worse", BETTER: "better"}


@dataclass(frozen=True, slots=True)
class FigureView:
    """One figure of a route before and after, with the range that the change lies in."""

    name: str
    before: str
    after: str
    change: str
    range: str
    verdict: str
    look: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A route in both windows."""

    label: str
    requests: str
    verdict: str
    look: str
    why: str
    figures: tuple[FigureView, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Two windows, and what differs between them."""

    asked: str
    mark: str
    before: str
    after: str
    verdict: str
    changed: tuple[ChangeView, ...]
    other: tuple[ChangeView, ...]
    has_plot: bool
    new_routes: tuple[str, ...]
    gone_routes: tuple[str, ...]
    new_findings: tuple[str, ...]
    gone_findings: tuple[str, ...]
    notes: tuple[str, ...]


def comparison_view(comparison: Comparison) -> ComparisonView:
    """Put a comparison into words."""
    worse, better = len(comparison.of(WORSE)), len(comparison.of(BETTER))
    told = [
        f"{counted(number, 'route')} {word}"
        for number, word in ((worse, "worse"), (better, "better"))
        if number
    ]
    routes = [_change(each) for each in comparison.routes]
    return ComparisonView(
        asked=printable(comparison.asked),
        mark=printable(comparison.mark or ""),
        before=_side(comparison.before),
        after=_side(comparison.after),
        verdict=", ".join(told) or "No difference is shown",
        changed=tuple(each for each in routes if each.look),
        other=tuple(each for each in routes if not each.look),
        has_plot=bool(change_bars(comparison)),
        new_routes=_labels(comparison.new_routes),
        gone_routes=_labels(comparison.gone_routes),
        new_findings=tuple(map(_finding, comparison.new_findings)),
        gone_findings=tuple(map(_finding, comparison.gone_findings)),
        notes=tuple(
            f"{printable(note).rstrip('.')}." for note in (*claims(comparison), *comparison.notes)
        ),
    )


def change_bars(comparison: Comparison) -> list[dict[str, Any]]:
    """Return what to plot: each figure that changed, as shares of what it was before."""
    return [
        {
            "label": printable(f"{route.method} {route.route}: {_NAMES.get(each.name, each.name)}"),
            "change": round(each.change / each.before, 4),
            "low": round(each.low / each.before, 4),
            "high": round(each.high / each.before, 4),
            "isWorse": each.verdict == WORSE,
        }
        for route in comparison.routes
        for each in route.figures
        if each.verdict in _LOOKS
        and each.before
        and each.after is not None
        and each.low is not None
        and each.high is not None
    ]


def _side(side: Side) -> str:
    window = f"{moment(side.start, zone='')} to {moment(side.end, zone='')}"
    return f"{window}, {counted(side.requests, 'request')}"


def _change(change: RouteChange) -> ChangeView:
    before, after = (f"{number:,}" for number in (change.requests_before, change.requests_after))
    return ChangeView(
        label=printable(f"{change.method} {change.route}"),
        requests=f"{before} → {after}",
        verdict=change.verdict,
        look=_LOOKS.get(change.verdict, ""),
        why=printable(change.why),
        figures=tuple(map(_figure, change.figures)),
    )


def _figure(each: Figure) -> FigureView:
    known = each.before is not None and each.after is not None
    limits = None if each.low is None or each.high is None else (each.low, each.high)
    return FigureView(
        name=_NAMES.get(each.name, printable(each.name)),
        before=_value(each.name, each.before),
        after=_value(each.name, each.after),
        change=_signed(each.name, each.change) + _relative(each) if known else "–",
        range=" to ".join(_signed(each.name, limit) for limit in limits) if limits else "–",
        verdict=each.verdict,
        look=_LOOKS.get(each.verdict, ""),
    )


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name.endswith("_ms"):
        return duration(value)
    return percent(value, digits=1) if name.endswith("_share") else figure(value)


def _signed(name: str, change: float) -> str:
    told = _value(name, abs(change))
    sign = "±" if told == _value(name, 0.0) else "+" if change > 0 else "−"
    # A share that goes from 2 % to 3 % changes by 1 point, and by 50 %.
    return sign + (told.replace("%", "points") if name.endswith("_share") else told)


def _relative(each: Figure) -> str:
    if not each.before:
        return ""
    share = each.change / each.before
    return f" ({'−' if share < 0 else '+'}{percent(abs(share), digits=1)})"


def _labels(routes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(printable(f"{method} {route}") for method, route in routes)


def _finding(change: FindingChange) -> str:
    doubt = "" if change.certain else ", which may be chance"
    return f"{printable(change.title)} ({counted(change.requests, 'request')}{doubt})"
