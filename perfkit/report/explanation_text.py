"""One finding in full as text: statement, code around both lines, history, routes, kept requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from perfkit.report.explanation import Excerpts, Explanation, Moment, excerpts
from perfkit.report.finding_text import finding
from perfkit.report.model import FindingRow
from perfkit.report.sample_lines import sample_lines
from perfkit.report.sample_section import Hanging
from perfkit.report.wording import counted, duration, moment, percent, printable

_BAR_COLUMNS = 24
_MOST_ROUTES = 20


def explanation(told: Explanation, now: float) -> Iterator[RenderableType]:
    """Lay everything out that is known of a finding.

    Args:
        told: the finding and what goes with it.
        now: Unix seconds of the report.
    """
    row = told.finding
    yield finding(row, 1, now)
    yield _title("In words")
    yield Padding(Text(printable(row.message)), (0, 0, 1, 4))
    if row.shape:
        yield _title("Statement")
        yield Padding(Text(printable(row.shape), overflow="fold"), (0, 0, 1, 4))
    for each in excerpts(row):
        yield from _code(each)
    yield from _routes(row)
    yield from _history(told.history, told.step_s)
    for sample in told.samples:
        yield _title("A request that was kept")
        yield Hanging(sample_lines(sample), indent=4)
        yield Text()


def _title(text: str) -> Text:
    return Text(text, "bold")


def _code(found: Excerpts) -> Iterator[RenderableType]:
    for label, site in found.places:
        yield Text.assemble((label, "bold"), printable(f"  {site}"))
    if found.doubt:
        yield Text(f"    ({found.doubt})", "italic")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for number, text in found.lines:
        named = number in found.named
        style = "bold green" if named else "dim"
        grid.add_row(Text(f"{'>' if named else ' '} {number}", style), Text(printable(text), style))
    yield Padding(grid, (0, 0, 1, 4))


def _routes(row: FindingRow) -> Iterator[RenderableType]:
    yield _title(f"Seen in {counted(len(row.routes), 'route')}")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for seen in row.routes[:_MOST_ROUTES]:
        grid.add_row(f"{seen.requests:,}", Text(printable(f"{seen.method} {seen.route}")))
    yield Padding(grid, (0, 0, 1, 4))


def _history(history: Sequence[Moment], step_s: int) -> Iterator[RenderableType]:
    if not history:
        return
    unit = {600: "ten minutes", 3_600: "hour", 86_400: "day"}.get(step_s, f"{step_s} s")
    yield _title(f"History: requests that had it, each {unit}")
    most = max(each.requests for each in history) or 1
    grid = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "right", "right", "left"):
        grid.add_column(justify=justify, no_wrap=True)
    for each in history:
        share = percent(min(each.requests / each.of, 1.0)) if each.of else "no requests"
        bar = "█" * max(round(each.requests / most * _BAR_COLUMNS), bool(each.requests))
        grid.add_row(
            moment(each.start, zone=""),
            f"{each.requests:,}",
            share,
            duration(each.cost_ms) if each.requests else "",
            Text(bar, "yellow"),
        )
    yield Padding(grid, (0, 0, 1, 4))
