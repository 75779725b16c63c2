"""Cuts SQL into tokens, strictly: what is not understood in full is ``odd``.

Only what PostgreSQL and SQLite read alike is known; a backslash, a dollar quote, a nested comment
or a letter that is none of ASCII's, outside of quotes, is odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKENS = re.compile(
    r"""
    (?P<space>[ \t\n\r\f\v]+)
    | (?P<comment>/\*(?![!+M])(?:(?!/\*|\*/).)*\*/)
    | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<placeholder>%s)
    | (?P<odd>--|/\*|\*/|%\(|(?<!:):(?=[A-Za-z_]))
    | (?P<op>::|<>|[<>!]=|%%|[-+*/%<>=~!@#^&|?.,:;()\[\]])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
#: What may not touch the token before it: ``E'..'``, ``U&"..."``, ``0x1F``, ``'a''b'`` cut in two.
_APART = frozenset(("name", "quoted", "string", "escaped", "number", "placeholder"))


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: ``name``, ``quoted``, ``string``, ``escaped``, ``number``, ``placeholder``, ``op``, or
            ``odd``: not understood.
        text: as written.
        word: a name that is not quoted, in upper case; else ``""``.
        apart: a blank or a comment stands before it.
    """

    kind: str
    text: str
    word: str = ""
    apart: bool = False


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of a text, comments and blanks left out; after an odd one nothing comes."""
    at, before, apart = 0, "", False
    while at < len(sql):
        match = _TOKENS.match(sql, at)
        kind = str(match.lastgroup) if match else "odd"
        if match is None or kind == "odd":
            yield Token("odd", sql[at : at + 1])
            return
        at = match.end()
        if kind in ("space", "comment"):
            before, apart = "", True
            continue
        text = match[0]
        if kind in _APART and (before in _APART or (before == "&" and text[0] in "\"'")):
            yield Token("odd", text)
            return
        yield Token(kind, text, text.upper() if kind == "name" else "", apart)
        apart = False
        before = text if kind == "op" else kind


def unquoted(token: Token) -> str:
    """Return the name that a token stands for."""
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    return token.text
