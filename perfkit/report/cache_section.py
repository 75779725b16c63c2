"""The cache advice as a section of the text report: what to do in full, the rest in a line each."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from rich.console import RenderableType
from rich.text import Text

from perfkit.report.cache_text import QUIET, headline, lines
from perfkit.report.model import ReportModel
from perfkit.report.sample_section import Hanging
from perfkit.report.wording import counted, printable


def cache(model: ReportModel) -> Iterator[RenderableType]:
    """Yield what to cache; nothing when nothing is known."""
    if not model.cache:
        return
    limit = model.options.limit
    worth = [each for each in model.cache if each.verdict not in QUIET]
    rest = [each for each in model.cache if each.verdict in QUIET]
    yield Text("Caching, by what it would save", "bold")
    yield Text()
    for advice in worth[:limit]:
        yield Text(printable(headline(advice)), "green")
        told = [printable(line) for line in lines(advice, with_code=False)]
        yield Hanging(told)
        yield Text(f"  code: manage.py perfcache {quote(printable(advice.route))}\n", "dim")
    for advice in rest[:limit]:
        reason = next(iter(advice.sentences()), "")
        yield Text(printable(f"{headline(advice)}{f': {reason}' if reason else ''}"), "dim")
    if (more := max(len(worth) - limit, 0) + max(len(rest) - limit, 0)) > 0:
        yield Text(f"and {counted(more, 'more route')}", "dim")
    yield Text()
