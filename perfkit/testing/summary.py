"""The section of pytest's summary: each finding once, with the tests that show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perfkit.report.baseline import Entry
from perfkit.report.stale import Stale
from perfkit.report.wording import counted, printable
from perfkit.testing.ledger import Ledger, Row
from perfkit.testing.wording import title, told

#: Notes shown of a kind; the others are counted.
_MOST_NOTES = 10
#: Findings of severity info shown.
_MOST_LATENT = 20


def summary(
    ledger: Ledger, gone: Iterable[Entry] = (), stale: Iterable[Stale] = ()
) -> Iterator[str]:
    """Yield the lines.

    Args:
        ledger: the session.
        gone: entries of the baseline that were not found any more.
        stale: rules and comments that accept nothing any more.
    """
    rows = ledger.ordered("new")
    yield f"{_found(rows)} in {counted(ledger.tests, 'test')}{_left_out(ledger)}"
    if ledger.failed:
        tests = counted(len(ledger.failed), "test")
        yield f"perfkit failed to look at {tests}: see the log of perfkit in the first of them"
    latent = [row for row in rows if row.finding.severity != "warning"]
    for row in rows[: len(rows) - len(latent) + _MOST_LATENT]:
        yield ""
        yield from _lines(row)
    if len(latent) > _MOST_LATENT:
        yield ""
        yield f"and {len(latent) - _MOST_LATENT:,} more info; --perfkit-json=FILE tells all"
    yield from _notes(
        "In the baseline and not found any more; write it anew:",
        [f"{each.kind} {each.model}.{each.path} {each.file} in {each.function}" for each in gone],
    )
    yield from _notes("Accepting nothing any more:", map(str, stale))


def _found(rows: list[Row]) -> str:
    warnings = sum(row.finding.severity == "warning" for row in rows)
    others = len(rows) - warnings
    parts = [counted(warnings, "warning")] if warnings else []
    parts += [f"{others:,} info"] if others else []
    return " and ".join(parts) or "No findings"


def _left_out(ledger: Ledger) -> str:
    known, allowed = (len(ledger.ordered(status)) for status in ("known", "allowed"))
    parts = [f"{known:,} in the baseline"] if known else []
    parts += [f"{allowed:,} allowed by markers"] if allowed else []
    return f"; not shown: {', '.join(parts)}" if parts else ""


def _lines(row: Row) -> Iterator[str]:
    first, *others = row.new_in
    where = printable(first) + (f" and {counted(len(others), 'more test')}" if others else "")
    if row.finding.severity == "warning":
        yield from told(row.finding).split("\n")
        yield f"  {'seen in':<7} {where}"
        return
    # Latent ones are many in a suite with little data, so they are told in short.
    finding = row.finding
    yield title(finding)
    target = f" at {finding.origin.file}:{finding.origin.line}" if finding.origin else ""
    yield printable(
        f"  {'write' if finding.fix else 'do':<7} {finding.fix or finding.message}{target}"
    )
    yield f"  {'seen in':<7} {where}"


def _notes(head: str, lines: Iterable[str]) -> Iterator[str]:
    notes = list(lines)
    if notes:
        yield from ("", head)
        yield from (f"  {printable(note)}" for note in notes[:_MOST_NOTES])
    if len(notes) > _MOST_NOTES:
        yield f"  and {len(notes) - _MOST_NOTES:,} more"
