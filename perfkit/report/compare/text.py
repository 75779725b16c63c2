"""A comparison of two windows as text for a terminal, a pipe or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from perfkit.report.compare.model import BETTER, WORSE, Comparison, FindingChange, RouteChange
from perfkit.report.compare.wording import claims, line, side, told, unchanged
from perfkit.report.wording import counted, duration, moment, printable

_STYLES = {WORSE: "red", BETTER: "green"}
#: Where the change stands in a row.
_CHANGE = (31, 45)


def comparison(made: Comparison, limit: int) -> Iterator[RenderableType]:
    """Lay a comparison out.

    Args:
        made: the comparison.
        limit: routes shown of each kind, and findings.
    """
    yield Text(f"before  {side(made.before, made.step_s)}")
    yield Text(f"after   {side(made.after, made.step_s)}")
    if made.mark_at is not None:
        yield Text(printable(f"deploy  {moment(made.mark_at, zone='')} {made.mark}"))
    yield Text()
    worse, better = made.of(WORSE), made.of(BETTER)
    if worse:
        yield from _changes("Worse", worse, limit)
    if better:
        yield from _changes("Better", better, limit)
    if not worse and not better and made.tested:
        yield Text("Nothing got slower or faster that can be told from chance.\n", "bold")
    if not made.tested:
        yield Text("Nothing can be said of routes that are in both windows.\n", "bold")
    yield from _findings("New findings", made.new_findings, limit)
    yield from _findings("Findings that are gone", made.gone_findings, limit)
    yield from _routes("Routes that only the second window has", made.new_routes, limit)
    yield from _routes("Routes that only the first window has", made.gone_routes, limit)
    if rest := unchanged(made):
        yield Text(f"{rest}.\n")
    if sentences := list(claims(made)):
        yield Text("How sure this is", "bold")
        yield from _listed(sentences)
        yield Text()


def _changes(title: str, routes: Sequence[RouteChange], limit: int) -> Iterator[RenderableType]:
    lines = [(route, [line(each) for each in told(route)]) for route in routes[:limit]]
    drift = "drift" if any(each.drift for _, cells in lines for each in cells) else ""
    head = Text(f"{title}: {counted(len(routes), 'route')}", "bold")
    heads = _row("", "before", "after", "change", "95 % range", drift)
    yield Text.assemble(head, heads[len(head) :])
    for route, cells in lines:
        yield Text(printable(f"{route.method} {route.route}"))
        for each in cells:
            row = _row(each.name, each.before, each.after, each.change, each.range, each.drift)
            text = Text(row)
            text.stylize(f"bold {_STYLES[each.verdict]}", *_CHANGE)
            yield text
        yield Text(f"  {_in_all(route)}", "dim")
    yield from _more(len(routes) - limit, "route")
    yield Text()


def _row(name: str, before: str, after: str, change: str, within: str, drift: str) -> str:
    return f"  {name:<12}{before:>8}{after:>9}{change:>14}  {within:<26}{drift:>7}".rstrip()


def _in_all(route: RouteChange) -> str:
    requests = f"{route.requests_before:,} and {route.requests_after:,} requests"
    if not route.cost_ms:
        return requests
    word = "more" if route.cost_ms > 0 else "less"
    return f"{requests}; {duration(abs(route.cost_ms))} {word} in all"


def _findings(title: str, changes: Sequence[FindingChange], limit: int) -> Iterator[RenderableType]:
    if not changes:
        return
    yield Text(f"{title}: {len(changes):,}", "bold")
    yield from _listed(
        [
            f"{each.title} [{each.kind}, {each.fingerprint}]"
            + ("" if each.certain else " — too rare to tell from chance")
            for each in changes[:limit]
        ]
    )
    yield from _more(len(changes) - limit, "finding")
    yield Text()


def _routes(title: str, routes: Sequence[tuple[str, str]], limit: int) -> Iterator[RenderableType]:
    if not routes:
        return
    yield Text(f"{title}: {len(routes):,}", "bold")
    yield from _listed([" ".join(route) for route in routes[:limit]])
    yield from _more(len(routes) - limit, "route")
    yield Text()


def _more(number: int, noun: str) -> Iterator[Text]:
    if number > 0:
        yield Text(f"and {counted(number, f'more {noun}')} beyond --limit", "dim")


def _listed(items: Sequence[str]) -> Iterator[RenderableType]:
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in items:
        grid.add_row(" ·  ", Text(printable(item)))
    yield grid
