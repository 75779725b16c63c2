"""The advice: for each route one verdict, its code, what it saves, what it risks, and the evidence."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from perfkit.caching.backend import BackendFacts
from perfkit.caching.code_text import code
from perfkit.caching.columns import Columns
from perfkit.caching.event import ANONYMOUS
from perfkit.caching.facts import Facts, facts_of, hours_of, resolve_audiences, writes_of
from perfkit.caching.interval import bound
from perfkit.caching.joint import ratios_together
from perfkit.caching.reasons import REASONS
from perfkit.caching.saving import Saving, Setting
from perfkit.caching.staleness import change_rate_of, looks
from perfkit.caching.verdict import Decision, decide

_PLACES: Final = 4

#: Verdicts by which pages go into the site's own cache, where they share what it can hold.
_STORED: Final = ("cache_page", "cache_page_vary", "anonymous_only")


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a cache would do; None where nothing was replayed.

    Attributes:
        hit_ratio, hit_ratio_interval: of all requests of the route, and the 95 % interval.
        saved_seconds_per_hour: of the view's time, the cache's own cost taken off.
        stale_share, stale_share_upper: of the hits, and the upper 95 % end.
        memory_bytes: of the entries that live at the same time at most.
    """

    hit_ratio: float
    hit_ratio_interval: tuple[float, float]
    saved_seconds_per_hour: float
    stale_share: float
    stale_share_upper: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class CacheAdvice:
    """What to do with a route; ``to_json`` is the contract of ``perfreport --format json``.

    Attributes:
        route, method: as in the report.
        verdict: one of ``verdict.VERDICTS``.
        timeout: seconds, None where there is none to set.
        code: what to write, ``""`` where nothing is.
        reasons: slugs of ``reasons.REASONS``.
        predicted: what it would do.
        evidence: the figures it stands on.
        table: policy, timeout, hit ratio, stale share and saving of every cell, for a curve.
    """

    route: str
    method: str
    verdict: str
    timeout: int | None
    code: str
    reasons: tuple[str, ...]
    predicted: Predicted | None
    evidence: dict[str, Any]
    table: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        plain = asdict(self)
        plain["reasons"] = list(self.reasons)
        plain["table"] = list(self.table)
        if self.predicted is not None:
            plain["predicted"]["hit_ratio_interval"] = list(self.predicted.hit_ratio_interval)
        return plain

    def sentences(self) -> list[str]:
        """Return the reasons in words."""
        return [REASONS[slug] for slug in self.reasons]


def advise(
    routes: Mapping[str, Columns],
    setting: Setting | None,
    session_cookie: str = "sessionid",
    only: Container[str] | None = None,
) -> list[CacheAdvice]:
    """Judge every route, what saves most first.

    Args:
        routes: label -> its events, of all workers.
        setting: the cache and what else figures hang on; its hours are taken from the events when 0.
        session_cookie: name of the session's cookie.
        only: labels to judge, None for all; the other routes still tell who is who.
    """
    crew = resolve_audiences(routes.values())
    written = writes_of(routes.values())
    hours = setting.hours if setting is not None and setting.hours else hours_of(routes)
    given = setting or Setting(BackendFacts(), 0.0, 0.01)
    placed = Setting(given.backend, hours, given.max_stale, given.one_by_one)
    advice = []
    stored: dict[str, tuple[Columns, Saving]] = {}
    for label, columns in routes.items():
        if only is not None and label not in only:
            continue
        facts = facts_of(columns, hours, crew=crew, written=written)
        decision = decide(facts, placed, session_cookie)
        columns.layout = None  # it takes as much room as a fifth of the events
        advice.append(_advice(facts, decision, placed))
        if decision.verdict in _STORED and decision.saving is not None:
            stored[columns.route] = columns, decision.saving
    together = ratios_together(stored, placed) if len(stored) > 1 else {}
    for each in advice:
        if each.route in together:
            each.evidence["hit_ratio_together"] = round(together[each.route], _PLACES)
    return sorted(advice, key=_rank)


def _advice(facts: Facts, decision: Decision, setting: Setting) -> CacheAdvice:
    run = decision.saving
    timeout = run.chosen.timeout_s if run is not None and run.chosen is not None else None
    takes_timeout = decision.verdict in (
        "cache_page", "cache_page_vary", "anonymous_only", "cdn", "low_level", "fragment",
    )  # fmt: skip
    return CacheAdvice(
        route=facts.columns.route,
        method="GET" if facts.gets else (facts.columns.methods or ["GET"])[0],
        verdict=decision.verdict,
        timeout=timeout if takes_timeout else None,
        code=code(decision, facts.columns.route),
        reasons=decision.reasons,
        predicted=None if run is None else _predicted(run),
        evidence=_evidence(facts, decision),
        table=() if run is None else cells(run),
    )


def _predicted(run: Saving) -> Predicted:
    unlimited = (run.chosen or run.best).outcome.hit_ratio
    cell = run.full or run.chosen or run.best
    ratio = cell.outcome.hit_ratio
    share = ratio / unlimited if unlimited else 1.0
    low, high = run.interval
    return Predicted(
        hit_ratio=round(ratio, _PLACES),
        hit_ratio_interval=(round(low * share, _PLACES), round(high * share, _PLACES)),
        saved_seconds_per_hour=round(cell.saved_s_per_hour, _PLACES),
        stale_share=round(cell.outcome.stale_share, _PLACES),
        stale_share_upper=round(cell.stale_upper, _PLACES),
        memory_bytes=int(run.memory_bytes),
    )


def _evidence(facts: Facts, decision: Decision) -> dict[str, Any]:
    compared = decision.comparisons or facts.comparisons
    checks = looks(facts.columns, facts.good)
    why = decision.explanation
    return {
        "requests": round(facts.requests),
        "hours": round(facts.hours, 2),
        "addresses": facts.keys,
        "visitors": facts.principals,
        "anonymous_share": round(
            facts.audiences[ANONYMOUS] / max(facts.audiences.total(), 1), _PLACES
        ),
        "mean_ms": round(facts.view_ms / max(facts.answered, 1), 3),
        "comparisons": compared.total,
        "compared_addresses": compared.keys,
        "compared_visitors": len(compared.principals),
        "mismatches": compared.mismatches,
        "mismatch_upper": round(bound(compared.mismatches, compared.total), _PLACES),
        "changes_per_hour": round(min(change_rate_of(checks) * 3600, 1e9), 3),
        "hit_ratio_together": None,
        "hit_ratio_now": None if facts.hit_share is None else round(facts.hit_share, _PLACES),
        "statuses": {str(status): number for status, number in sorted(facts.statuses.items())},
        "writes_per_hour": {
            f"{verb} {table}": round(times / facts.hours, 1)
            for (verb, table), times in facts.writes.most_common(10)
        },
        "shared_share": None if facts.shared is None else round(facts.shared, _PLACES),
        "session_reads_per_hour": round(facts.session_selects / facts.hours, 1),
        "attribute": None if why is None else why.attribute,
        "attributes_also": [] if why is None else list(why.also),
        "variants": None if why is None else why.values,
        "parameters_left_out": list(decision.without),
    }


def cells(run: Saving) -> tuple[dict[str, Any], ...]:
    """Return a policy's cells as plain JSON, by timeout."""
    return tuple(
        {
            "policy": run.policy.name,
            "timeout": cell.timeout_s,
            "hit_ratio": round(cell.outcome.hit_ratio, _PLACES),
            "stale_share": round(cell.outcome.stale_share, _PLACES),
            "saved_seconds_per_hour": round(cell.saved_s_per_hour, _PLACES),
        }
        for cell in run.cells
    )


def _rank(advice: CacheAdvice) -> tuple[bool, float, str]:
    worth = advice.verdict not in ("do_not_cache", "not_worth_it", "not_enough_evidence")
    saved = advice.predicted.saved_seconds_per_hour if advice.predicted is not None else 0.0
    return not worth, -saved, advice.route
