"""Findings and statements as plain lines for a test's output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from perfkit.record import Finding, RequestRecord, Site
from perfkit.report.wording import counted, printable, shortened
from perfkit.statement import parse
from perfkit.testing.expectation import NAME, advice

#: Statements told of when a test runs too many; the others are counted.
_MOST_SHAPES = 12
_LABEL_WIDTH = 7


def title(finding: Finding) -> str:
    """Say in one line what a finding is about and how many statements it covers."""
    about = finding.model or ", ".join(parse(finding.shape).tables)
    if finding.model and finding.path:
        about = f"{finding.model}.{finding.path}"
    what = f"{finding.kind}, {finding.severity}: {about}"
    if finding.kind == "unused_eager_load":
        return printable(f"{what} (loaded in {counted(finding.count, 'recording')}, read in none)")
    saves = f", {finding.saved:,} to save" if finding.saved else ""
    return printable(f"{what} ({counted(finding.count, 'statement')}{saves})")


def told(finding: Finding) -> str:
    """Write a finding out: what happens, where, what to write, and how to accept it."""
    lines = [
        title(finding),
        *(f"  {label:<{_LABEL_WIDTH}} {text}" for label, text in _rows(finding)),
    ]
    return "\n".join(lines)


def _rows(finding: Finding) -> Iterator[tuple[str, str]]:
    if finding.message:
        yield "do", printable(finding.message)
    lines = [
        ("loaded", finding.origin),
        ("used" if finding.origin else "at", finding.access),
        *(("from", caller) for caller in finding.callers),
        ("loop", finding.loop),
    ]
    told = {("", 0)}
    for label, site in lines:
        # One line may loop, load and use: the access is named all the same.
        if site and (label == "used" or (site.file, site.line) not in told):
            told.add((site.file, site.line))
            yield label, printable(str(site))
    if finding.shape:
        yield "sql", printable(shortened(finding.shape))
    if finding.fix:
        yield "write", printable(f"{finding.fix}{_target(finding.origin)}")
    yield "accept", printable(f'@pytest.mark.{NAME}(allow=["{advice(finding)}"])')


def _target(origin: Site | None) -> str:
    return f"  at {origin.file}:{origin.line}" if origin else ""


def statements_text(records: Iterable[RequestRecord], most: int) -> str:
    """Say that a test ran too many statements, and which ones it ran most often."""
    records = tuple(records)
    ran = sum(record.statements for record in records)
    shapes = Counter(
        query.shape
        for record in records
        for query in record.queries
        if not parse(query.sql).is_transaction
    )
    lines = [f"perfkit: {counted(ran, 'statement')} ran, and max_queries is {most:,}"]
    lines += [
        f"  {count:>5,} x  {printable(shortened(shape))}"
        for shape, count in shapes.most_common(_MOST_SHAPES)
    ]
    if len(shapes) > _MOST_SHAPES:
        lines.append(
            f"  and {counted(len(shapes) - _MOST_SHAPES, 'further statement')} of other shapes"
        )
    return "\n".join(lines)
