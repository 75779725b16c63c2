"""Check on real servers that the report's totals are the requests sent, however the server ends.

    make deploy-check                     # writes the table into docs/deploy.md
    .deploy/bin/python benchmarks/deploy_check.py --only gevent

For each server and each set of options: so many requests are answered, then the server gets a SIGTERM
at once, and the report must hold exactly that many. The same with perfkit switched off tells what
perfkit adds to the server's end. Then the server is killed (SIGKILL) under load, and no more may be
missing than was answered within one flush interval before.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import django
from deploy_run import Outcome, measure, typical
from deploy_servers import Row, rows

PAGE = Path(__file__).resolve().parent.parent / "docs" / "deploy.md"
BEGIN, END = "<!-- written by make deploy-check -->", "<!-- end -->"
#: The bar: what the last flush of a worker may take, in milliseconds.
MOST_FLUSH_MS = 200.0
HEAD = (
    "server",
    "version",
    "options",
    "sent",
    "in the report",
    "last flush",
    "SIGTERM to exit",
    "without perfkit",
    "kill -9: lost",
)


def cells(row: Row, seen: Outcome) -> tuple[str, ...]:
    """Return the row as the table shows it."""
    start = (row.server, row.known_version(), f"`{row.options}`" if row.options else "")
    if seen.problem:
        return (*start, seen.problem.splitlines()[0][:80], "", "", "", "", "")
    note = f" ({row.lost_at_term})" if seen.reported < seen.sent and row.lost_at_term else ""
    return (
        *start,
        f"{seen.sent:,}",
        f"{seen.reported:,}{note}",
        _flush(seen.flush_ms),
        f"{typical(seen.exit_ms):,.0f} ms",
        f"{typical(seen.bare_exit_ms):,.0f} ms",
        f"{max(seen.lost, 0):,} of {seen.within:,}",
    )


def _flush(flushes_ms: list[tuple[float, float]]) -> str:
    if not flushes_ms:
        return "none"
    took, own = zip(*flushes_ms, strict=True)
    return f"{typical(own):.0f} ms ({max(own):.0f}); {typical(took):.0f}"


def verdict(row: Row, seen: Outcome) -> list[str]:
    """Say which bars the row misses."""
    if seen.problem:
        return [f"{row.name}: {seen.problem}"]
    missed = []
    if seen.sent != seen.reported and not row.lost_at_term:
        missed.append(f"{row.name}: {seen.sent} sent, {seen.reported} in the report")
    if (took := max((own for _, own in seen.flush_ms), default=0.0)) > MOST_FLUSH_MS:
        missed.append(f"{row.name}: the last flush took {took:.0f} ms")
    if not 0 <= seen.lost <= seen.within:
        missed.append(f"{row.name}: killed, {seen.lost} lost of {seen.within}")
    return missed


def table(lines: list[tuple[str, ...]]) -> str:
    """Return the table in Markdown, with what it was measured on."""
    shown = [HEAD, tuple("---" if name in HEAD[:3] else "---:" for name in HEAD), *lines]
    where = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, Django "
        f"{django.get_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"with {max(0.0, os.getloadavg()[2] - 1):.0f} processes of others at work."
    )
    return "\n".join([where, "", *map(_line, shown)])


def _line(words: tuple[str, ...]) -> str:
    return "| " + " | ".join(words) + " |"


def write(lines: list[tuple[str, ...]], *, whole: bool) -> None:
    """Write the table into the page: all of it, or these rows in the place of what it has of them."""
    page = PAGE.read_text(encoding="utf-8")
    (before, rest), after = page.split(BEGIN), page.split(END)[1]
    there = rest.split(END)[0].strip()
    if not whole:
        new = {line[:3]: _line(line) for line in lines}
        cut = [tuple(cell.strip() for cell in each.split("|")[1:4]) for each in there.splitlines()]
        old = there.splitlines()
        there = "\n".join(new.pop(start, line) for start, line in zip(cut, old, strict=True))
        there = "\n".join([there, *new.values()])
    else:
        there = table(lines)
    PAGE.write_text(f"{before}{BEGIN}\n\n{there}\n\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run the rows, print and write the table; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", default="", help="rows whose name has this text")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    missed: list[str] = []
    lines = []
    for row in rows():
        if options.only in row.name:
            seen = measure(row, options.requests, options.rounds)
            lines.append(cells(row, seen))
            print(" | ".join(lines[-1]), flush=True)
            missed += verdict(row, seen)
    write(lines, whole=not options.only)
    print("\n".join(missed) or "PASS")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
