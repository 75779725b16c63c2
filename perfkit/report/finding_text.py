"""One finding as text: what it is, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from perfkit.record import Site
from perfkit.report.finding_title import sampled, title
from perfkit.report.model import FindingRow
from perfkit.report.source import excerpt
from perfkit.report.wording import age, counted, duration, printable, shortened

#: Further lines shown of one finding.
_MOST_PLACES = 5

_SEVERITY_STYLES = {"warning": "yellow", "info": "cyan"}
_INDENT = 4


def finding(row: FindingRow, rank: int, now: float) -> RenderableType:
    """Lay one finding out.

    Args:
        row: the finding.
        rank: its place in the report, from 1.
        now: Unix seconds of the report.
    """
    head = _grid(gap=0)
    head.add_row(Text(f"{rank:>2}. "), Text(title(row), "bold"))
    body = _grid(gap=2)
    for label, value in _lines(row, now):
        body.add_row(Text(label, "dim"), value)
    return Group(head, Padding(body, (0, 0, 1, _INDENT)))


def _grid(gap: int) -> Table:
    grid = Table.grid(padding=(0, gap, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _lines(row: FindingRow, now: float) -> Iterator[tuple[str, Text]]:
    yield "kind", _kind(row, now)
    if row.origin:
        yield from _place("loaded", row.origin, row)
    elif row.kind == "n_plus_one":
        yield "loaded", Text("at a line that is not known", "italic")
    if row.access:
        yield from _place("used" if row.kind == "n_plus_one" else "at", row.access, row)
    others = dict.fromkeys(part.access for part in row.parts if part.access != row.access)
    for site in list(filter(None, others))[:_MOST_PLACES]:
        yield from _place("and at", site, row)
    if row.shape:
        database = f"  (database {row.alias})" if row.alias not in ("", "default") else ""
        yield "sql", Text(printable(shortened(row.shape) + database))
    if row.fix:
        yield "write", _fix(row)
    if row.fix and "; read " in row.message:  # the line that asks has to change too
        yield "and", Text(printable("read " + row.message.partition("; read ")[2]))
    if not row.fix:
        yield "do", Text(printable(row.message))


def _kind(row: FindingRow, now: float) -> Text:
    line = Text(printable(f"{row.kind}, {row.severity}"), _SEVERITY_STYLES.get(row.severity, ""))
    if row.kind == "unused_eager_load":
        told = sampled(row)
    else:
        statements = f" and {counted(row.total_saved, 'statement')}" if row.total_saved else ""
        told = f"{duration(row.total_cost_ms)}{statements} in {counted(row.requests, 'request')}"
    line.append(f"; {told}; last seen {age(now - row.last_seen)} ago", "default")
    # What --explain takes.
    line.append(printable(f" · {row.fingerprint}"), "dim")
    return line


def _place(label: str, site: Site, row: FindingRow) -> Iterator[tuple[str, Text]]:
    found = excerpt(site, row.last_seen)
    line = Text(printable(str(site)))
    if found.doubt:
        line.append(f"  ({found.doubt})", "italic")
    yield label, line
    if found.text:
        yield "", Text(f"  {printable(found.text)}", "green")


def _fix(row: FindingRow) -> Text:
    line = Text(printable(row.fix), "bold green")
    if not row.fix.startswith((".", "list_select_related")):
        where = f" at {row.access.file}:{row.access.line}" if row.access else ""
        line.append(printable(f"  in place of what the loop does{where}"), "default")
    elif row.origin:
        where = f"on the queryset evaluated at {row.origin.file}:{row.origin.line}"
        if row.fix.startswith("list_select_related"):
            where = f"in the class at {row.origin.file}:{row.origin.line}"
        line.append(printable(f"  {where}"), "default")
    elif row.model:
        line.append(printable(f"  on the queryset that loads {row.model}"), "default")
    return line
