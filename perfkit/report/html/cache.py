"""The cache advice as a page shows it: what to write, what it would save, its curve, what it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from perfkit.caching.advice import CacheAdvice
from perfkit.report.cache_route import POLICIES
from perfkit.report.cache_text import QUIET, WORDS, duration, evidence
from perfkit.report.model import ReportModel
from perfkit.report.wording import counted, percent, printable, size


@dataclass(frozen=True, slots=True)
class Row:
    """One timeout of the advised policy."""

    timeout: str
    hits: str
    stale: str
    saved: str
    is_advised: bool


@dataclass(frozen=True, slots=True)
class CacheView:
    """A route that is worth caching, every text of it printable.

    Attributes:
        id: the plots know it by that.
        saved: seconds an hour, with the unit; "" where nothing was replayed.
        facts: what a cache would do at the advised timeout.
        policy: what the rows are of.
    """

    rank: int
    id: str
    label: str
    verdict: str
    told: str
    saved: str
    facts: tuple[str, ...]
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]
    code: str
    policy: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class QuietView:
    """A route with nothing to do: the verdict and its first reason."""

    label: str
    told: str
    reason: str


@dataclass(frozen=True, slots=True)
class CacheSection:
    """The whole section."""

    worth: tuple[CacheView, ...]
    quiet: tuple[QuietView, ...]
    more: str


def cache_section(model: ReportModel) -> CacheSection | None:
    """Put the advice into words; None when there is none."""
    if not model.cache:
        return None
    worth, quiet = _shown(model)
    more = len(model.cache) - len(worth) - len(quiet)
    return CacheSection(
        worth=tuple(_view(each, rank) for rank, each in enumerate(worth, 1)),
        quiet=tuple(map(_quiet, quiet)),
        more=counted(more, "more route") if more else "",
    )


def cache_curves(model: ReportModel) -> dict[str, Any]:
    """Return what to plot of each route that is worth it: label, hit ratio and stale share by timeout."""
    return {
        f"cache-{rank}": {
            "rows": [
                [duration(row["timeout"]), row["hit_ratio"], row["stale_share"]]
                for row in each.table
            ],
            "advised": duration(each.timeout) if each.timeout else None,
        }
        for rank, each in enumerate(_shown(model)[0], 1)
        if each.table
    }


def _shown(model: ReportModel) -> tuple[list[CacheAdvice], list[CacheAdvice]]:
    limit = model.options.limit
    worth = [each for each in model.cache if each.verdict not in QUIET]
    quiet = [each for each in model.cache if each.verdict in QUIET]
    return worth[:limit], quiet[:limit]


def _view(advice: CacheAdvice, rank: int) -> CacheView:
    timeout = f" for {duration(advice.timeout)}" if advice.timeout else ""
    predicted = advice.predicted
    return CacheView(
        rank=rank,
        id=f"cache-{rank}",
        label=_label(advice),
        verdict=printable(advice.verdict),
        told=f"{WORDS[advice.verdict]}{timeout}",
        saved="" if predicted is None else f"{predicted.saved_seconds_per_hour:,.1f} s",
        facts=tuple(_facts(advice)),
        reasons=tuple(map(printable, advice.sentences())),
        evidence=tuple(printable(line) for line in evidence(advice)),
        # Line by line: what ends a line is no part of one.
        code="\n".join(map(printable, advice.code.split("\n"))),
        policy=_policy(advice.table),
        rows=tuple(_row(row, advice.timeout) for row in advice.table),
    )


def _facts(advice: CacheAdvice) -> Iterator[str]:
    if (told := advice.predicted) is None:
        return
    low, high = told.hit_ratio_interval
    yield f"{percent(told.hit_ratio)} hits ({percent(low)} to {percent(high)})"
    yield (
        f"{percent(told.stale_share, digits=1)} of them out of date "
        f"(at most {percent(told.stale_share_upper, digits=1)})"
    )
    yield f"{size(told.memory_bytes)} of memory"


def _policy(rows: Iterable[dict[str, Any]]) -> str:
    name = next((str(row["policy"]) for row in rows), "")
    return POLICIES.get(name, printable(name))


def _row(row: dict[str, Any], advised: int | None) -> Row:
    return Row(
        timeout=duration(row["timeout"]),
        hits=percent(row["hit_ratio"], digits=1),
        stale=percent(row["stale_share"], digits=1),
        saved=f"{row['saved_seconds_per_hour']:,.1f} s",
        is_advised=row["timeout"] == advised,
    )


def _quiet(advice: CacheAdvice) -> QuietView:
    reason = next(iter(advice.sentences()), "")
    return QuietView(_label(advice), WORDS[advice.verdict], printable(reason))


def _label(advice: CacheAdvice) -> str:
    return printable(f"{advice.method} {advice.route}")
