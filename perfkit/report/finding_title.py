"""One finding in one sentence: what it is about, what happens where, what fixing it saves."""

from __future__ import annotations

from perfkit.report.model import FindingRow
from perfkit.report.wording import counted, duration, printable
from perfkit.statement import parse


def title(row: FindingRow) -> str:
    """Say in one sentence what happens where, and what fixing it saves."""
    where = ""
    if row.routes:
        first, *others = row.routes
        where = f" in {first.method} {first.route} ({counted(first.requests, 'request')})"
        if others:
            where += f" and {counted(len(others), 'more route')}"
    cost = duration(row.cost_ms)
    match row.kind:
        case "slow_query":
            told = (
                f"{counted(row.count, 'slow statement')} a request{where}: {cost} of each request"
            )
        case "duplicate_query":
            told = (
                f"{counted(row.count, 'equal statement')} a request{where}: "
                f"saves {counted(row.saved, 'statement')} and {cost} of each request"
            )
        case "unused_eager_load":
            saves = f": saves {counted(row.saved, 'statement')} of each" if row.saved else ""
            told = f"loaded along in {sampled(row)}{where}, read in none{saves}"
        case _:
            saves = f": saves {cost} of each request" if row.cost_ms or row.saved else ""
            told = f"{counted(row.count, 'statement')} a request{where}{saves}"
    return printable(f"{subject(row)} — {told}")


def sampled(row: FindingRow) -> str:
    """Say how many requests an ``unused_eager_load`` was looked for in."""
    return f"{counted(row.sample or row.requests, 'request')} looked at"


def subject(row: FindingRow) -> str:
    """Name what it is about: the relation, else the model, else the tables, else the kind."""
    if row.model:
        return f"{row.model}.{row.path}" if row.path else row.model
    return ", ".join(parse(row.shape).tables) or row.kind
