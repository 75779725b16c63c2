"""The matrix as a page of the documentation, case by case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.nplusone.accuracy.marks import ASPECTS
from tests.nplusone.accuracy.scores import Result
from tests.nplusone.accuracy.tables import HEADINGS, crashed, headings, shares
from tests.nplusone.accuracy.tools import TOOLS

_MARKS = {True: "✓", False: "✗", None: "·"}
_FALSE_POSITIVES = (
    "Of the cases that must stay silent, those that did not: for perfkit any warning, and any finding"
    " at all unless the catalogue allows a hint, for the others any alert on repeated statements or"
    " on unused eager loads, unless the catalogue allows a hint."
)


def page(results: Sequence[Result]) -> str:
    """Write the page."""
    return "\n".join([*_head(results), *_matrix(results), *_judged(), *_cases(results), ""])


def _head(results: Sequence[Result]) -> Iterator[str]:
    djangos = dict.fromkeys(f"Django {each.django} (CPython {each.cpython})" for each in results)
    yield "# What it finds, beside three other tools"
    yield ""
    yield (
        "Written by `make accuracy`: the same code of `tests/nplusone/`, every row of it a case that"
        " must be flagged or must stay silent, under perfkit, django-zeal, django-query-doctor and"
        " nplusone, each in a process of its own, in one run. The cases are perfkit's own corpus,"
        " written from a catalogue of what these tools and others get wrong: it shows what kinds of"
        " code each can judge, not how common such code is."
    )
    yield ""
    yield f"{datetime.now(UTC).date()}; {', '.join(djangos)}; six rows in most tables, SQLite."
    yield ""
    versions = {each.tool: each.version for each in results if each.version}
    for tool in TOOLS.values():
        yield f"- {tool.name}: {tool.package} {versions.get(tool.name, '')}, {tool.setup}"
    yield ""


def _matrix(results: Sequence[Result]) -> Iterator[str]:
    columns = ["Django", "tool", *headings(), "crashes"]
    yield "## The matrix"
    yield ""
    yield _row(columns)
    yield _row(["---", "---", *["---:"] * (len(columns) - 2)])
    for result in results:
        if result.failure:
            gaps = [""] * (len(columns) - 3)
            yield _row([result.django, result.tool, f"does not run: {result.failure}", *gaps])
            continue
        cells = [f"{share} ({share.percent})" if share else "-" for share in shares(result)]
        yield _row([result.django, result.tool, *cells, str(len(result.crashes))])
    yield ""
    for result in results:
        if result.crashes:
            yield f"- {_plain(crashed(result))}"
    yield ""


def _judged() -> Iterator[str]:
    yield "## How each column is judged"
    yield ""
    first, *others = (f"- **{HEADINGS[name]}**: {text}" for name, text in ASPECTS.items())
    yield first
    yield f"- **false positives**: {_FALSE_POSITIVES}"
    yield from others
    yield (
        "- **crashes**: Cases whose code ended in an exception under the tool and does not without it;"
        " they count as not flagged."
    )
    yield ""
    yield (
        "Out of how many: the cases that have a path, a line or a fix in code to be right about;"
        " what was not flagged is not right. django-query-doctor's tips on single statements (wide"
        " rows, indexes, joins) come with nearly every case and count neither for it nor against it;"
        " django-zeal and nplusone suggest no code, and nplusone names no line."
    )
    yield ""


def _cases(results: Sequence[Result]) -> Iterator[str]:
    yield "## Case by case"
    yield ""
    yield (
        f"In the order {', '.join(HEADINGS.values())}: ✓ right, ✗ wrong or not said, · not asked of"
        " this case, - never said by this tool. Where the two Djangos differ both are given, the older one first."
    )
    yield ""
    told: dict[str, Any] = {}
    for result in results:
        told |= result.marks
    for must_flag, heading in ((True, "Must be flagged"), (False, "Must stay silent")):
        yield f"### {heading}"
        yield ""
        yield _row(["case", "shape", *TOOLS])
        yield _row(["---"] * (2 + len(TOOLS)))
        for name in sorted(told):
            if told[name]["must_flag"] is must_flag:
                cells = [_cell(results, tool, name) for tool in TOOLS]
                yield _row([name, told[name]["shape"], *cells])
        yield ""


def _cell(results: Sequence[Result], tool: str, name: str) -> str:
    said = [_said(each, name) for each in results if each.tool == tool and not each.failure]
    return said[0] if len(set(said)) == 1 else " / ".join(said)


def _said(result: Result, name: str) -> str:
    if name in result.skipped:
        return "not run"
    each = result.marks[name]
    if each["crash"]:
        return "crash"
    if each["must_flag"]:
        silent_on = TOOLS[result.tool].silent_on
        marks = {key: _MARKS[each["right"][key]] for key in HEADINGS}
        return "".join("-" if key in silent_on else mark for key, mark in marks.items())
    return "flagged" if each["right"]["flagged"] else "silent"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    for character in "|*_<[":
        text = text.replace(character, f"\\{character}")
    return text
