"""The figures as tables, in plain text for the terminal and in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from figures import FLOOR, PERFKIT, Added, Figures, Spread, ratio
from shelf.pages import PAGES

# The brief's aims for perfkit, above bare Django.
AIM_REQUEST_US, AIM_STATEMENT_US, AIM_LOOP_US, AIM_MB, AIM_TIMES = 15.0, 2.0, 3.0, 1.0, 3.0
KINDS = ("request", "statement", "N+1 statement")


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, a sentence on what the figures are, and rows of text (the first one heads)."""

    title: str
    note: str
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return the table with aligned columns."""
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = ["  ".join(_cells(row, widths)).rstrip() for row in self.rows]
        return "\n".join([self.title, self.note, "", *lines, ""])

    def markdown(self) -> str:
        """Return the table in Markdown."""
        rows = ["| " + " | ".join(row) + " |" for row in self.rows]
        rule = "|" + " --- |" + " ---: |" * (len(self.rows[0]) - 1)
        return "\n".join([f"## {self.title}", "", self.note, "", rows[0], rule, *rows[1:], ""])


def tables(mode: str, figures: list[Figures], peers: set[str]) -> list[Table]:
    """Return the three tables of one mode (``wsgi`` or ``asgi``)."""
    usable = [one for one in figures if one.wall and one.cpu]
    return [_pages(mode, usable), _added(mode, usable), *_ratios(mode, usable, peers)]


def _pages(mode: str, figures: list[Figures]) -> Table:
    rows = [["", *(page.title for page in PAGES)]]
    rows += [[one.name, *(_wide(one.page_wall_us[page.name]) for page in PAGES)] for one in figures]
    note = "Wall time in µs a request: median over the rounds (smallest to largest)."
    return Table(f"{mode.upper()}: the four pages", note, rows)


def _added(mode: str, figures: list[Figures]) -> Table:
    heads = [
        f"{what} {how}"
        for what in ("request", "statement", "N+1 stmt")
        for how in ("wall", "CPU", "best", "+thread")
    ]
    rows = [["", *heads, "idle CPU", "RSS MB", "peak MB", "threads"]]
    for one in figures:
        if one.wall and one.cpu and one.best and one.all_cpu:
            clocks = (one.wall, one.cpu, one.best, one.all_cpu)
            row = [one.name, *(f"{added.request:.1f}" for added in clocks)]
            row += [f"{added.statement:.2f}" for added in clocks]
            row += [f"{added.loop_statement:.2f}" for added in clocks]
            row += [f"{one.idle_cpu_us:.1f}", f"{one.rss_mb:+.1f}", f"{one.peak_mb:+.1f}"]
            rows.append([*row, str(one.threads)])
    note = (
        "µs above the burst of bare Django next to each burst: medians over the rounds. Wall and "
        "CPU: until the response is closed; best: the quickest round's CPU above bare Django's "
        "quickest; +thread: CPU with what was left to a thread for these requests (perfkit's "
        "analysis, OpenTelemetry's export). Statement: slope from the page of 10 to that of 50. "
        "Idle CPU: per request, while the process was not being asked (perfkit: writing its "
        "store). Memory: resident size after the same requests, above bare."
    )
    return Table(f"{mode.upper()}: added to bare Django", note, rows)


def _ratios(mode: str, figures: list[Figures], peers: set[str]) -> list[Table]:
    by_name = {one.name: one.all_cpu for one in figures}
    floor, perfkit = by_name.get(FLOOR), by_name.get(PERFKIT)
    rows = [["", "request/floor", "statement/floor", "N+1 stmt/floor"]]
    if perfkit:
        rows[0] += ["request/perfkit", "statement/perfkit", "N+1 stmt/perfkit"]
    for one in figures:
        if one.all_cpu and one.name != "bare":
            row = [one.name, *_times(one.all_cpu, floor)]
            shown = one.name in peers or one.name == PERFKIT
            if perfkit:
                row += _times(one.all_cpu, perfkit) if shown else ["", "", ""]
            rows.append(row)
    note = "Added CPU, threads included, divided by what the floor adds, and by what perfkit adds; -: the divisor is below 0.1 µs."
    return [Table(f"{mode.upper()}: ratios", note, rows)] if len(rows) > 1 else []


def bars(mode: str, figures: list[Figures], peers: set[str]) -> list[str]:
    """Say for each of the brief's aims whether perfkit met it in this run."""
    mine = next((one for one in figures if one.name == PERFKIT), None)
    if not mine or not mine.wall or not mine.all_cpu:
        return [f"{mode}: perfkit was not measured, so no aim is judged"]
    aims = (AIM_REQUEST_US, AIM_STATEMENT_US, AIM_LOOP_US)
    lines = [
        f"{mode}: {_met(us <= aim)}  {what}, {where}: {us:.2f} µs (aim <= {aim:g})"
        for where, added in (("waited for", mine.wall), ("all CPU", mine.all_cpu))
        for what, us, aim in zip(KINDS, _three(added), aims, strict=True)
    ]
    lines.append(
        f"{mode}: {_met(mine.rss_mb <= AIM_MB)}  memory: {mine.rss_mb:+.2f} MB (aim <= {AIM_MB:g})"
    )
    for one in figures:
        if one.name in peers and one.all_cpu:
            pairs = list(zip(_three(one.all_cpu), _three(mine.all_cpu), strict=True))
            detail = ", ".join(f"{k} {_ratio(*pair)}" for k, pair in zip(KINDS, pairs, strict=True))
            met = _met(all(theirs >= AIM_TIMES * ours for theirs, ours in pairs))
            lines.append(f"{mode}: {met}  {one.name} costs {AIM_TIMES:g}x perfkit: {detail}")
    return lines


def _three(added: Added) -> tuple[float, float, float]:
    return added.request, added.statement, added.loop_statement


def _times(mine: Added, base: Added | None) -> list[str]:
    if base is None:
        return ["", "", ""]
    return [_ratio(*pair) for pair in zip(_three(mine), _three(base), strict=True)]


def _ratio(theirs: float, ours: float) -> str:
    times = ratio(theirs, ours)
    return "-" if times is None else f"{times:.1f}x"


def _wide(spread: Spread) -> str:
    return f"{spread.median:,.0f} ({spread.low:,.0f} to {spread.high:,.0f})"


def _met(met: bool) -> str:
    return "met   " if met else "MISSED"


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
