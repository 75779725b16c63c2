"""Foreign text in Markdown: read by a parser of GitHub's dialect, it is the text that it was."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from perfkit.report.markdown.escaping import block, cell, code, folded, table, text

#: With what GitHub adds: tables, and links made of bare addresses are looked at below.
PARSER = MarkdownIt("commonmark").enable("table")

HOSTILE = [
    "/<int:pk>/",
    "a|b",
    "`tick`",
    "``two``",
    "`",
    "<script>alert(1)</script>",
    "**bold** _it_ ~~gone~~ [link](http://x) ![image](x)",
    "# head",
    "- item",
    "1. item",
    "&amp; &lt;",
    "\\| \\",
    "a\nb\r\nc",
    "\x1b[31m\u202e",
    "@someone #12 http://example.com www.example.com",
    "$math$",
    "</details>",
    "",
]


def shown(markdown: str) -> str:
    """Return the text that a reader sees."""
    found = []
    for token in PARSER.parse(markdown):
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "softbreak", "text_special"), child
            found.append(child.content)
    return "".join(found)


def escaped(given: str) -> str:
    """Write control characters as reports do."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in given
    )


@pytest.mark.parametrize("given", HOSTILE)
def test_a_text_is_read_as_it_was(given: str) -> None:
    """No markup, no link, nobody called, no line begun."""
    written = text(given)
    assert shown(f"x {written} y") == f"x {escaped(given)} y"
    assert not set("@#").intersection(written.replace("&#", ""))
    assert "://" not in written


@pytest.mark.parametrize("given", HOSTILE)
def test_code_is_read_as_it_was(given: str) -> None:
    """Whatever backticks it has."""
    assert shown(code(given)).strip() == escaped(given).strip()


@pytest.mark.parametrize("given", HOSTILE)
def test_no_cell_breaks_a_table(given: str) -> None:
    """Two rows of two cells stay two rows of two cells."""
    written = table(("one", "two"), [(cell(given), text(given)), ("x", "y")], "lr")
    tokens = PARSER.parse(written)
    assert [token.type for token in tokens].count("table_open") == 1
    assert [token.type for token in tokens].count("td_open") == 4
    assert [token.type for token in tokens].count("tr_open") == 3


@pytest.mark.parametrize("given", [*HOSTILE, "```", "``` ````\n```"])
def test_no_line_ends_a_block(given: str) -> None:
    """However many backticks it has."""
    (token,) = PARSER.parse(block([given, "last"], "sql"))
    assert token.type == "fence"
    assert token.content == f"{escaped(given)}\nlast\n"


def test_what_is_folded_opens_and_closes() -> None:
    """GitHub wants the empty lines, and reads HTML in the summary."""
    assert folded("a", "b") == "<details><summary>a</summary>\n\nb\n\n</details>"
    hostile = folded("GET /<int:pk>/</summary>\n", "b", is_code=True)
    assert "<summary><code>GET /&lt;int:pk&gt;/&lt;/summary&gt;\\n</code></summary>" in hostile
