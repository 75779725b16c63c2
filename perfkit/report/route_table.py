"""The table of routes as text: one line a route where there is room for its name."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from perfkit.metrics.thinning import ONE_IN
from perfkit.report.model import ReportModel, RouteRow
from perfkit.report.options import SORTS
from perfkit.report.wording import duration, figure, milliseconds, percent, printable

#: Columns that a route gets at least.
_NARROWEST_LABEL = 20

#: From here on there is room for full words and the share of all time; and for Apdex besides.
_WIDE_COLUMNS, _WIDEST_COLUMNS = 110, 130

_HEADS = ("requests", "errors", "total", "of all", "p50\nms", "p95\nms", "p99\nms")
_HEADS_PER_REQUEST = ("stmts\n/req", "dups\n/req", "in\ndb")
#: Shorter words for a narrow terminal; an empty one leaves the column out.
_SHORT = {"requests": "reqs", "errors": "errs", "of all": ""}


def route_table(model: ReportModel, columns: int) -> Iterator[RenderableType]:
    """Yield the table and what its heads mean.

    Args:
        model: the report, with at least one route.
        columns: how wide the paper is.
    """
    wide, widest = columns >= _WIDE_COLUMNS, columns >= _WIDEST_COLUMNS
    gap = 2 if wide else 1
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column(f"Routes by {SORTS[model.options.sort]}", vertical="bottom")
    apdex = ("Apdex",) if widest else ()
    for head in (*_HEADS, *apdex, *_HEADS_PER_REQUEST):
        shown = head if wide else _SHORT.get(head, head)
        if shown:
            table.add_column(shown, justify="right", no_wrap=True, vertical="bottom")
    for row in model.routes:
        table.add_row(*_cells(row, model.totals.total_ms if wide else 0.0, apdex=widest))
    yield table
    error = percent(model.quantile_error, digits=1)
    good = (
        "Apdex: the share of requests that satisfy, within PERFKIT['APDEX_MS'] and without an "
        "error, those within four times that counting half. "
    )
    yield Text(
        f"\np50, p95, p99: half, 95 % and 99 % of the requests took no longer (±{error}). "
        f"{good if widest else ''}"
        "stmts/req, dups/req: statements of a request, and how many of them were duplicates, equal "
        "to an earlier one of the same request; of a route with many requests, one in "
        f"{ONE_IN} is searched for them and for findings, and stands for the others. in db: share "
        "of the time spent in the database.\n",
        "dim",
    )


def _cells(row: RouteRow, total_ms: float, *, apdex: bool) -> Iterator[RenderableType]:
    yield Label(printable(f"{row.method} {row.route}"))
    yield Text(f"{row.requests:,}")
    yield Text(f"{row.errors:,}", "red" if row.errors else "dim")
    yield Text(duration(row.total_ms))
    if total_ms:
        yield Text(percent(row.total_ms / total_ms))
    for ms in (row.p50_ms, row.p95_ms, row.p99_ms):
        yield Text(milliseconds(ms))
    if apdex:
        yield Text("–" if row.apdex is None else f"{row.apdex:.2f}")
    duplicates = row.duplicates_per_request
    yield Text(figure(row.statements_per_request))
    yield Text(figure(duplicates), "yellow" if duplicates else "dim")
    yield Text(percent(row.db_share))


class Label:
    """A route's name, broken after a slash where it must be, and further lines set in."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = len(self.text)
        return Measurement(min(_NARROWEST_LABEL, longest), longest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in broken(self.text, options.max_width):
            yield Text(line, no_wrap=True)


def broken(text: str, width: int) -> list[str]:
    """Break a route's name into lines, after a slash where one is in the second half of a line.

    Args:
        text: the name.
        width: characters of a line, at least 3.
    """
    lines = []
    while len(text) > width:
        end = text.rfind("/", width // 2, width) + 1 or width
        lines.append(text[:end])
        text = f"  {text[end:]}"
    return [*lines, text]
