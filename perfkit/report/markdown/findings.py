"""Findings as Markdown: a list of them, and one in full."""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.report.explanation import Explanation, excerpts
from perfkit.report.finding_title import subject, title
from perfkit.report.markdown.escaping import block, cell, code, folded, table, text
from perfkit.report.model import FindingRow
from perfkit.report.sample_lines import sample_lines
from perfkit.report.wording import counted, duration, moment, percent, shortened


def finding(row: FindingRow) -> str:
    """Write one finding as an item of a numbered list."""
    _, _, told = title(row).partition(" — ")
    lines = [f"1. {code(subject(row))}: {text(told)}"]
    lines.append(f"   {text(row.kind)}, {text(row.severity)}, fingerprint {code(row.fingerprint)}")
    lines += [f"   - {label} {code(str(site))}" for label, site in _ends(row)]
    if row.fix:
        lines.append(f"   - write {code(row.fix)}")
    else:
        lines.append(f"   - {text(row.message)}")
    if row.shape:
        lines.append(f"   - {code(shortened(row.shape))}")
    return "\n".join(lines)


def _ends(row: FindingRow) -> list[tuple[str, object]]:
    ends = (("loaded", row.origin), ("used" if row.kind == "n_plus_one" else "at", row.access))
    return [(label, site) for label, site in ends if site is not None]


def explanation(told: Explanation) -> Iterator[str]:
    """Write one finding in full."""
    row = told.finding
    yield f"## {code(subject(row))}"
    yield text(title(row).partition(" — ")[2])
    yield f"{text(row.kind)}, {text(row.severity)}, fingerprint {code(row.fingerprint)}"
    yield text(row.message)
    if row.fix:
        yield f"**Write** {code(row.fix)}"
    if row.shape:
        yield block([row.shape], "sql")
    for found in excerpts(row):
        yield "  \n".join(f"**{label}** {code(str(site))}" for label, site in found.places)
        if found.doubt:
            yield f"*({found.doubt})*"
        if found.lines:
            yield block(
                f"{'>' if number in found.named else ' '} {number:>4}  {line}"
                for number, line in found.lines
            )
    seen = [(cell(f"{each.method} {each.route}"), f"{each.requests:,}") for each in row.routes]
    yield table(("seen in", "requests"), seen, "lr")
    if told.history:
        yield _history(told)
    for sample in told.samples:
        first, *rest = sample_lines(sample)
        yield folded(first, block(rest), is_code=True)


def _history(told: Explanation) -> str:
    rows = [
        (
            moment(each.start),
            f"{each.requests:,}",
            percent(min(each.requests / each.of, 1.0)) if each.of else "no requests",
            duration(each.cost_ms) if each.requests else "",
        )
        for each in told.history
    ]
    steps = counted(len(rows), "step")
    return folded(
        f"History, {steps}", table(("from", "requests that had it", "share", "cost"), rows, "lrrr")
    )
