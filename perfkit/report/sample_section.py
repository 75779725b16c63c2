"""The requests that were kept in detail, and those that hung, as a section of the text report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from perfkit.metrics.sample import STALL, Sample
from perfkit.report.model import ReportModel
from perfkit.report.sample_lines import sample_lines
from perfkit.report.wording import counted

#: Where the text of a line begins: after its indent, and after the two figures of a timeline.
_BEGIN = re.compile(r"\s*(?:[\d.,]+ \w+ +[\d.,]+ \w+ +)?")
#: Stalls shown unasked.
_MOST_STALLS = 3


class Hanging:
    """Lines of which each, where it must be broken, goes on below its own text."""

    def __init__(self, lines: Sequence[str], indent: int = 2) -> None:
        self.lines = lines
        self.indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.lines:
            match = _BEGIN.match(line)
            further = " " * (self.indent + (match.end() if match else 0))
            # A name too long for the line is cut, as everywhere.
            yield Text(
                fill(
                    " " * self.indent + line,
                    max(options.max_width, len(further) + 20),
                    subsequent_indent=further,
                    break_on_hyphens=False,
                    drop_whitespace=True,
                ),
                overflow="fold",
            )


def samples_of(model: ReportModel) -> list[Sample]:
    """Return the kept requests of the routes shown, the best of each route and kind first."""
    order = {(row.route, row.method): place for place, row in enumerate(model.routes)}
    found: list[tuple[int, int, str, Sample]] = []
    held: Counter[tuple[str, str, str]] = Counter()
    for sample in model.samples:  # the highest rank first
        key = sample.route, sample.method
        if sample.kind != STALL and key in order:
            found.append((held[*key, sample.kind], order[key], sample.kind, sample))
            held[*key, sample.kind] += 1
    return [each[-1] for each in sorted(found, key=lambda each: each[:3])]


def stalls_of(model: ReportModel) -> list[Sample]:
    """Return the requests that hung, the longest first."""
    return [each for each in model.samples if each.kind == STALL]


def stalls(model: ReportModel) -> Iterator[RenderableType]:
    """Yield the requests that hung; the longest only, without ``--samples``."""
    found = stalls_of(model)
    if not found:
        return
    shown = found[: model.options.limit if model.options.samples else _MOST_STALLS]
    yield Text(f"Requests that hung: {len(found):,}", "bold")
    yield Text()
    yield from _each(shown)
    if len(found) > len(shown):
        yield Text(f"and {counted(len(found) - len(shown), 'more stall')}: see --samples\n", "dim")


def samples(model: ReportModel) -> Iterator[RenderableType]:
    """Yield the kept requests with ``--samples``, else how many there are."""
    found = samples_of(model)
    if not found:
        if model.options.samples:
            yield Text("No request was kept in this window.\n")
        return
    if not model.options.samples:
        yield Text(
            f"{counted(len(found), 'request')} kept in detail: --samples shows them.\n", "dim"
        )
        return
    shown = found[: model.options.limit]
    yield Text(f"Requests kept in detail: {len(found):,}", "bold")
    yield Text()
    yield from _each(shown)
    if len(found) > len(shown):
        more = counted(len(found) - len(shown), "more kept request")
        yield Text(f"{more} beyond --limit {model.options.limit}\n", "dim")


def _each(found: Sequence[Sample]) -> Iterator[RenderableType]:
    for sample in found:
        yield Hanging(sample_lines(sample))
        yield Text()
