"""Findings as a page shows them: what happens, the code to write, the lines it is about, the statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perfkit.record import Site
from perfkit.report.finding_title import subject, title
from perfkit.report.model import FindingRow
from perfkit.report.source import excerpt
from perfkit.report.wording import age, counted, duration, printable, shortened

#: Further lines and routes shown of one finding.
_MOST_PLACES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A line of code: what it has to do with the finding, where it is, what stands there."""

    role: str
    where: str
    code: str
    doubt: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding, every text of it printable.

    Attributes:
        statement: its shape, a long list of columns left out.
        whole_statement: the same with all columns; "" where nothing was left out.
        edit: code to write; "" where no one-line change is right.
        advice: what to do besides, or instead.
    """

    rank: int
    id: str
    subject: str
    told: str
    kind: str
    severity: str
    cost: str
    cost_each: str
    statements: str
    requests: str
    seen: str
    edit: str
    edit_place: str
    advice: str
    places: tuple[Place, ...]
    statement: str
    whole_statement: str
    database: str
    routes: tuple[str, ...]
    more_routes: int


def finding_view(row: FindingRow, rank: int, now: float) -> FindingView:
    """Lay one finding out.

    Args:
        row: the finding.
        rank: its place in the report, from 1.
        now: Unix seconds of the report.
    """
    statement = printable(shortened(row.shape))
    whole = printable(row.shape)
    # "; read ..." : the line that asks has to change too.
    _, also, rest = row.message.partition("; read ")
    advice = (f"read {rest}" if also else "") if row.fix else row.message
    return FindingView(
        rank=rank,
        id=f"finding-{rank}",
        subject=printable(subject(row)),
        told=title(row).partition(" — ")[2],
        kind=printable(row.kind),
        severity=printable(row.severity),
        cost=duration(row.total_cost_ms) if row.total_cost_ms else "",
        cost_each=duration(row.cost_ms),
        statements=counted(row.total_saved, "statement") if row.total_saved else "",
        requests=counted(row.requests, "request"),
        seen=age(now - row.last_seen),
        edit=printable(row.fix),
        edit_place=printable(_edit_place(row)) if row.fix else "",
        advice=printable(advice),
        places=tuple(_places(row)),
        statement=statement,
        whole_statement="" if whole == statement else whole,
        database=printable(row.alias) if row.alias not in ("", "default") else "",
        routes=tuple(
            printable(f"{seen.method} {seen.route} ({counted(seen.requests, 'request')})")
            for seen in row.routes[:_MOST_PLACES]
        ),
        more_routes=max(len(row.routes) - _MOST_PLACES, 0),
    )


def _edit_place(row: FindingRow) -> str:
    if not row.fix.startswith((".", "list_select_related")):
        where = f" at {row.access.file}:{row.access.line}" if row.access else ""
        return f"in place of what the loop does{where}"
    if row.origin:
        line = f"{row.origin.file}:{row.origin.line}"
        if row.fix.startswith("list_select_related"):
            return f"in the class at {line}"
        return f"on the queryset evaluated at {line}"
    return f"on the queryset that loads {row.model}" if row.model else ""


def _places(row: FindingRow) -> Iterator[Place]:
    if row.origin:
        yield _place("Loaded", row.origin, row)
    elif row.kind == "n_plus_one":
        yield Place("Loaded", "at a line that is not known", "", "")
    if row.access:
        yield _place("Used" if row.kind == "n_plus_one" else "At", row.access, row)
    others = dict.fromkeys(part.access for part in row.parts if part.access != row.access)
    for site in list(filter(None, others))[:_MOST_PLACES]:
        yield _place("And at", site, row)


def _place(role: str, site: Site, row: FindingRow) -> Place:
    found = excerpt(site, row.last_seen)
    return Place(role, printable(str(site)), printable(found.text), found.doubt)
