"""The cache advice as Markdown: what to write in full, what to leave as it is in a list that opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perfkit.caching.advice import CacheAdvice
from perfkit.report.cache_text import QUIET, WORDS, duration, evidence
from perfkit.report.markdown.escaping import block, cell, code, folded, table, text
from perfkit.report.wording import counted, percent


def cache(advice: Iterable[CacheAdvice], limit: int) -> Iterator[str]:
    """Write what to cache; nothing when nothing is known.

    Args:
        advice: what saves most first.
        limit: routes written of those with something to do, and of the others.
    """
    every = list(advice)
    if not every:
        return
    worth = [each for each in every if each.verdict not in QUIET]
    quiet = [each for each in every if each.verdict in QUIET]
    yield "### Caching, by what it would save"
    if worth:
        yield "\n".join(map(_headline, worth[:limit]))
        for each in worth[:limit]:
            yield folded(f"{each.method} {each.route}", "\n\n".join(_in_full(each)), is_code=True)
    else:
        yield "No route is worth caching by what was seen."
    if quiet:
        rows = [
            (cell(f"{each.method} {each.route}"), WORDS[each.verdict], text(_reason(each)))
            for each in quiet[:limit]
        ]
        told = f"Leave as they are: {counted(len(quiet), 'route')}"
        yield folded(told, table(("route", "verdict", "because"), rows))


def _headline(advice: CacheAdvice) -> str:
    timeout = f" for {duration(advice.timeout)}" if advice.timeout else ""
    line = f"1. {code(f'{advice.method} {advice.route}')}: {WORDS[advice.verdict]}{timeout}"
    if (predicted := advice.predicted) is not None:
        line += (
            f"; {percent(predicted.hit_ratio)} hits, saves "
            f"{predicted.saved_seconds_per_hour:,.1f} s of work an hour"
        )
    return line


def _in_full(advice: CacheAdvice) -> Iterator[str]:
    items = [*advice.sentences(), *evidence(advice)]
    yield "\n".join(f"- {text(each)}" for each in items)
    if advice.code:
        yield block(advice.code.split("\n"), "html" if advice.verdict == "fragment" else "python")
    if advice.table:
        rows = [
            (
                duration(row["timeout"]),
                percent(row["hit_ratio"], digits=1),
                percent(row["stale_share"], digits=1),
                f"{row['saved_seconds_per_hour']:,.2f}",
            )
            for row in advice.table
        ]
        yield table(("timeout", "hits", "out of date", "saved s/h"), rows, "rrrr")


def _reason(advice: CacheAdvice) -> str:
    return next(iter(advice.sentences()), "")
