"""A comparison of two windows as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perfkit.report.compare.model import BETTER, WORSE, Comparison, FindingChange, RouteChange
from perfkit.report.compare.wording import claims, line, side, told, unchanged
from perfkit.report.markdown.escaping import cell, code, folded, table, text
from perfkit.report.wording import counted

_HEADS = ("route", "", "before", "after", "change", "95 % range", "drift", "requests")


def comparison(made: Comparison, limit: int) -> Iterator[str]:
    """Write a comparison.

    Args:
        made: the comparison.
        limit: routes shown of each kind, and findings.
    """
    mark = "" if made.mark is None else f"; the deploy {code(made.mark)} lies between them"
    yield "\n".join(
        (
            f"- before: {side(made.before, made.step_s)}",
            f"- after: {side(made.after, made.step_s)}{mark}",
        )
    )
    worse, better = made.of(WORSE), made.of(BETTER)
    if worse:
        yield from _changes("Worse", worse, limit)
    if better:
        yield from _changes("Better", better, limit)
    if not worse and not better and made.tested:
        yield "**Nothing got slower or faster that can be told from chance.**"
    yield from _findings("New findings", made.new_findings, limit)
    yield from _findings("Findings that are gone", made.gone_findings, limit)
    yield from _routes("Routes that only the second window has", made.new_routes, limit)
    yield from _routes("Routes that only the first window has", made.gone_routes, limit)
    if rest := unchanged(made):
        yield f"{rest}."
    if sentences := [f"- {sentence}." for sentence in claims(made)]:
        yield folded("How sure this is", "\n".join(sentences))


def _changes(title: str, routes: Sequence[RouteChange], limit: int) -> Iterator[str]:
    yield f"### {title}: {counted(len(routes), 'route')}"
    yield table(_HEADS, (cells for route in routes[:limit] for cells in _rows(route)), "llrrrrrr")
    if len(routes) > limit:
        yield f"and {counted(len(routes) - limit, 'more route')} beyond `--limit`"


def _rows(route: RouteChange) -> Iterator[tuple[str, ...]]:
    label = cell(f"{route.method} {route.route}")
    requests = f"{route.requests_before:,} → {route.requests_after:,}"
    for each in told(route):
        cells = line(each)
        yield (
            label,
            cells.name,
            cells.before,
            cells.after,
            f"**{cells.change}**",
            cells.range,
            cells.drift,
            requests,
        )
        label = requests = ""


def _findings(title: str, changes: Sequence[FindingChange], limit: int) -> Iterator[str]:
    if not changes:
        return
    yield f"### {title}: {len(changes):,}"
    yield "\n".join(
        f"- {text(each.title)} ({text(each.kind)}, {code(each.fingerprint)})"
        + ("" if each.certain else "; too rare to tell from chance")
        for each in changes[:limit]
    )
    if len(changes) > limit:
        yield f"and {counted(len(changes) - limit, 'more finding')} beyond `--limit`"


def _routes(title: str, routes: Sequence[tuple[str, str]], limit: int) -> Iterator[str]:
    if not routes:
        return
    yield f"### {title}: {len(routes):,}"
    yield "\n".join(f"- {code(' '.join(route))}" for route in routes[:limit])
    if len(routes) > limit:
        yield f"and {counted(len(routes) - limit, 'more route')} beyond `--limit`"
