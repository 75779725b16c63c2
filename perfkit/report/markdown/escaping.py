"""Foreign text in GitHub's Markdown: it breaks no table, is no markup, links nothing, calls nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from perfkit.report.wording import printable

#: What begins markup somewhere in a line; `@` and `#` name people and issues.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~@$&:])")
_BACKTICKS = re.compile(r"`+")


def text(given: str) -> str:
    """Escape a text, so that it reads as it is.

    GitHub makes links of names, numbers and addresses whatever escapes stand before them; a
    character reference stops that.
    """
    escaped = _MARKUP.sub(r"\\\1", printable(given))
    for sign in "@#:":
        escaped = escaped.replace(f"\\{sign}", f"&#{ord(sign)};")
    return escaped


def code(given: str) -> str:
    """Write a text as code within a line; for a table there is ``cell``."""
    plain = printable(given) or " "
    fence = "`" * (max(map(len, _BACKTICKS.findall(plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def cell(given: str) -> str:
    """Write a text as code within a table, where GitHub takes a bar for a border even in code."""
    return code(given).replace("|", "\\|")


def block(lines: Iterable[str], language: str = "") -> str:
    """Write lines as a block of code that none of them can end."""
    plain = [printable(line) for line in lines]
    longest = max((len(run) for line in plain for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(longest + 1, 3)
    return "\n".join([f"{fence}{language}", *plain, fence])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> str:
    """Write a table of cells that are Markdown already.

    Args:
        heads: one for each column.
        rows: the cells.
        right: a letter for each column: ``r`` where it is aligned to the right.
    """
    ruler = ["---:" if side == "r" else "---" for side in right.ljust(len(heads), "l")]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ruler, *rows))


def folded(summary: str, body: str, *, is_code: bool = False) -> str:
    """Write something that opens when clicked on.

    Args:
        summary: plain text: GitHub reads HTML here, and no Markdown.
        body: Markdown.
        is_code: set the summary as code, so that nothing in it becomes a link.
    """
    shown = escape(printable(summary))
    shown = f"<code>{shown}</code>" if is_code else shown
    return f"<details><summary>{shown}</summary>\n\n{body}\n\n</details>"
