"""A report as text for a terminal, a pipe or a file: no color and no control code in a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import StringIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from perfkit.report.cache_section import cache
from perfkit.report.compare.text import comparison
from perfkit.report.explanation_text import explanation
from perfkit.report.finding_text import finding
from perfkit.report.model import ReportModel
from perfkit.report.route_table import route_table
from perfkit.report.sample_section import samples, stalls
from perfkit.report.wording import (
    counted,
    duration,
    moment,
    percent,
    printable,
    size,
)

#: Columns where nobody says how wide the paper is.
_PIPE_COLUMNS = 120
_FEWEST_COLUMNS = 60
#: Deploys named at the head, the latest.
_MOST_MARKS = 4

#: For an output that cannot show these: PYTHONIOENCODING=ascii, an old console.
_PLAIN = str.maketrans({"—": "-", "–": "-", "·": "|", "±": "+/-", "…": "...", "─": "-"})


def to_text(model: ReportModel, version: str, file: object, *, color: bool | None = None) -> str:
    """Write a report for an output, in its width and its encoding.

    Args:
        model: the report.
        version: perfkit's own, which no module in it may import.
        file: where it will go, any kind of stream; nothing is written to it.
        color: True or False to overrule what the output decides.
    """
    paper = StringIO()
    columns = shutil.get_terminal_size((_PIPE_COLUMNS, 0)).columns
    console = Console(
        file=paper,
        force_terminal=bool(getattr(file, "isatty", bool)()) if color is None else color,
        width=max(columns, _FEWEST_COLUMNS),
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in _parts(model, version, console.width):
        console.print(part)
    text = "".join(f"{line.rstrip()}\n" for line in paper.getvalue().split("\n")[:-1])
    try:
        text.encode(getattr(file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")
    return text


def _parts(model: ReportModel, version: str, columns: int) -> Iterator[RenderableType]:
    yield from _head(model, version)
    if model.explanation is not None:
        yield from explanation(model.explanation, model.options.now)
    elif model.comparison is not None:
        yield from comparison(model.comparison, model.options.limit)
    elif model.routes:
        yield from route_table(model, columns=columns)
        yield from _findings(model)
        yield from cache(model)
        yield from stalls(model)
        yield from samples(model)
    if model.notes or (model.comparison and model.comparison.notes):
        yield from _notes(model)


def _head(model: ReportModel, version: str) -> Iterator[Text]:
    options, totals = model.options, model.totals
    since = "the beginning" if options.since is None else moment(options.since, zone="")
    window = f" · {since} to {moment(options.end)}"
    if model.comparison is not None:
        window = f" · comparing {printable(model.comparison.asked)}"
    elif model.first_data is not None:
        window += f" · data from {moment(model.first_data, zone='')} on"
    yield Text.assemble((f"perfkit {version}", "bold"), window)
    if totals.requests and model.comparison is None and model.explanation is None:
        share = f" ({percent(totals.errors / totals.requests)})" if totals.errors else ""
        database = "" if model.db_share is None else f", {percent(model.db_share)} in the database"
        yield Text(" · ").join(
            [
                Text(counted(totals.requests, "request"), "bold"),
                Text(f"{counted(totals.errors, 'error')}{share}", "red" if totals.errors else ""),
                Text(counted(totals.workers, "worker")),
                Text(f"{duration(totals.total_ms)} in all{database}"),
                Text(
                    f"{counted(totals.statements, 'statement')}, "
                    f"{counted(totals.duplicates, 'duplicate')}"
                ),
            ]
        )
    if model.path:
        yield Text(printable(f"store {model.path} ({size(model.bytes)})"), "dim")
    if options.routes:
        yield Text(printable(f"only routes with {' or '.join(options.routes)}"))
    if model.marks:
        told = " · ".join(
            f"{moment(at, zone='')} {name}" for at, name in model.marks[-_MOST_MARKS:]
        )
        yield Text(printable(f"deploys {told}"))
    yield Text()


def _findings(model: ReportModel) -> Iterator[RenderableType]:
    if not model.findings and model.known:
        yield Text(f"No new findings; {counted(model.known, 'known one')} left out.\n")
        return
    if not model.findings:
        yield Text("No findings: no loop of statements, no repeats, nothing slow was seen.\n")
        return
    yield Text("Findings, by what fixing them saves", "bold")
    yield Text()
    for rank, row in enumerate(model.findings, 1):
        yield finding(row, rank, model.options.now)


def _notes(model: ReportModel) -> Iterator[RenderableType]:
    own = model.comparison.notes if model.comparison else ()
    yield Text("What this report does not know" if model.routes else "Nothing to report", "bold")
    items = Table.grid()
    items.add_column(no_wrap=True)
    items.add_column(overflow="fold")
    for note in (*own, *model.notes):
        items.add_row(" ·  ", Text(f"{printable(note)}."))
    yield items
