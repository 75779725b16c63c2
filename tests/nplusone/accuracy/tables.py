"""The matrix on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.nplusone.accuracy.scores import Result, Share
from tests.nplusone.accuracy.tools import TOOLS

#: The heading of each mark; false alarms come second.
HEADINGS = {
    "flagged": "recall",
    "path": "path",
    "lines": "lines",
    "text": "fix text",
    "executed": "fix executed",
}


def shares(result: Result) -> list[Share | None]:
    """Return a row of the matrix; None where the tool does not try."""
    silent_on = TOOLS[result.tool].silent_on
    found = [None if aspect in silent_on else result.share(aspect) for aspect in HEADINGS]
    return [found[0], result.false_alarms, *found[1:]]


def headings() -> list[str]:
    """Return the head of the matrix."""
    first, *others = HEADINGS.values()
    return [first, "false positives", *others]


def matrix(console: Console, results: Sequence[Result]) -> None:
    """Print a row for each tool on each Django."""
    table = Table(title="What each tool makes of the corpus", title_justify="left", box=None)
    table.add_column("Django")
    table.add_column("tool")
    for heading in headings():
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("crashes", justify="right")
    for result in results:
        if result.failure:
            table.add_row(result.django, result.tool, "does not run")
            continue
        cells = [f"{share} {share.percent:>5}" if share else "-" for share in shares(result)]
        table.add_row(result.django, result.tool, *cells, str(len(result.crashes) or ""))
    versions = {result.tool: result.version for result in results if result.version}
    console.print()
    console.print(", ".join(f"{tool} {version}" for tool, version in versions.items()))
    console.print(table)
    console.print()
    for result in results:
        if result.failure:
            told = f"{result.tool} does not run on Django {result.django}: {result.failure}"
            console.print(escape(told), soft_wrap=True)
        if result.crashes:
            console.print(escape(crashed(result)), soft_wrap=True)


def crashed(result: Result) -> str:
    """Say in which cases a tool broke the code, and how."""
    ways: dict[str, list[str]] = {}
    for name, error in result.crashes.items():
        ways.setdefault(error, []).append(name)
    told = "; ".join(f"{error} ({', '.join(names)})" for error, names in ways.items())
    counted = f"{len(result.crashes)} case{'s' if len(result.crashes) > 1 else ''}"
    return f"{result.tool} on Django {result.django} ends {counted} in {told}"


def wrong(console: Console, results: Iterable[Result]) -> None:
    """List what is not right yet."""
    for result in results:
        for name, each in result.marks.items():
            if not each["must_flag"] and each["right"]["flagged"]:
                faults = ["must stay silent"]
            elif each["must_flag"]:
                faults = [HEADINGS[key] for key in HEADINGS if each["right"][key] is False]
            else:
                faults = []
            if faults or each["crash"]:
                about = ", ".join([*faults, *filter(None, [each["crash"]])])
                console.print(escape(f"{result.tool}, Django {result.django}: {name}: {about}"))


def cases(console: Console, results: Iterable[Result]) -> None:
    """Show all that is known of a few cases."""
    for result in results:
        for name, why in result.skipped.items():
            console.print(escape(f"\nDjango {result.django}, {result.tool}: {name} not run: {why}"))
        for name, each in result.marks.items():
            right = {
                HEADINGS[key]: value for key, value in each["right"].items() if value is not None
            }
            console.print(
                escape(f"\nDjango {result.django}, {result.tool}: {name} {each['shape']}")
            )
            must = "must be flagged" if each["must_flag"] else "must stay silent"
            marks = [f"{key}: {'yes' if value else 'no'}" for key, value in right.items()]
            told = marks if each["must_flag"] else [f"flagged: {each['right']['flagged']}"]
            console.print(escape(f"  {must}; {', '.join(told)}"))
            for text in each["said"]:
                console.print(escape(f"  {text}"))
