"""Requests that hung, as plain lines: for how long, in which statement, and where."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from perfkit.metrics.sample import Sample
from perfkit.report.wording import counted, duration, moment, printable, shortened

#: Columns of the widest line, where its words allow it.
WIDTH = 100
#: Lines of the tree at most, and how far its branches move to the right.
_MOST_LINES = 60
_DEEPEST_INDENT = 20


def lines(sample: Sample) -> list[str]:
    """Write what the watchdog saw of a route, for people: printable, without color.

    Args:
        sample: of kind stall; keys that it lacks are passed over.
    """
    data = sample.data
    took = duration(float(data.get("age_s") or 0.0) * 1000)
    requests = data.get("requests") or 1
    told = f"{sample.method} {sample.route}"
    longer = "" if data.get("ended", True) else " and longer"
    others = f" ({counted(requests, 'request')})" if requests > 1 else ""
    text = [f"{printable(told)}: hung for {took}{longer}{others}, {moment(sample.at)}"]
    text += [f"  {line}" for line in _circumstances(data)]
    looks = data.get("samples") or 0
    tree = data.get("tree") or []
    if not tree:
        text.append("  where it was could not be seen")
        return text
    text.append(f"  seen of {counted(looks, 'look')}:")
    branches = list(_branches(tree, 0))
    text += [f"  {count:>4}  {line}" for count, line in branches[:_MOST_LINES]]
    if len(branches) > _MOST_LINES:
        text.append(f"  and {counted(len(branches) - _MOST_LINES, 'more line')}")
    return text


def _circumstances(data: dict[str, Any]) -> Iterator[str]:
    if data.get("streaming"):
        yield "its answer had begun: its body was being made or sent"
    if data.get("blocked_loop"):
        yield "its event loop stood still: no other request of the worker went on"
    statement = data.get("statement")
    if statement:
        age_s = statement.get("age_s")
        known = "" if age_s is None else f" that had run for {duration(age_s * 1000)}"
        yield f"in a statement{known}:"
        sql = printable(shortened(str(statement.get("text", ""))))
        yield from wrap(sql, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _branches(tree: list[Any], indent: int) -> Iterator[tuple[int, str]]:
    """Yield how often each line was seen, and the line; only where it forks does it move right."""
    for line, count, inner in tree:
        yield count, " " * min(indent, _DEEPEST_INDENT) + printable(str(line))
        yield from _branches(inner, indent + 2 if len(inner) > 1 else indent)
