"""Takes a SELECT apart as far as its plan needs it: conditions, order, the names of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from perfkit.explain.conditions import is_name
from perfkit.explain.lexer import Token, unquoted

#: Where conditions begin in a statement, and where they end.
_BEGIN: Final = frozenset(("HAVING", "ON", "WHERE"))
_ENDS: Final = """
CROSS EXCEPT FROM FULL GROUP INNER INTERSECT JOIN LEFT LIMIT NATURAL ORDER RIGHT SELECT UNION
WINDOW
"""
_END: Final = frozenset(_ENDS.split())
#: What may follow a table's name where an alias could stand.
_NO_ALIAS: Final = _BEGIN | _END | {"AS", "INDEXED", "NOT", "OFFSET", "OUTER", "USING"}


def where_of(read: Iterable[Token]) -> list[Token]:
    """Return the tokens of a statement that belong to its conditions, and the words that begin them."""
    found: list[Token] = []
    inside = False
    for token in read:
        inside = token.word in _BEGIN or (inside and token.word not in _END)
        if inside:
            found.append(token)
    return found


def order_of(read: Iterable[Token]) -> list[str]:
    """Return the names in a statement's last ORDER BY: columns, their tables, and words."""
    found: list[str] = []
    inside = False
    for token in read:
        if token.word == "ORDER":
            inside, found = True, []
        elif token.word in _END or token.word == "OFFSET":
            inside = False
        elif inside and is_name(token):
            found.append(unquoted(token))
    return found


def tables_of(read: Sequence[Token]) -> dict[str, str]:
    """Map the names by which a statement calls its tables to the tables' own names."""
    found: dict[str, str] = {}
    expected = False
    at = 0
    while at < len(read):
        token = read[at]
        if token.word in ("FROM", "JOIN"):
            expected = True
        elif expected and is_name(token) and token.word not in _NO_ALIAS:
            while at + 2 < len(read) and read[at + 1].text == ".":
                at += 2
            table = alias = unquoted(read[at])
            if at + 1 < len(read) and read[at + 1].word == "AS":
                at += 1
            if at + 1 < len(read) and is_name(read[at + 1]) and read[at + 1].word not in _NO_ALIAS:
                at += 1
                alias = unquoted(read[at])
            found[alias] = table
            expected = at + 1 < len(read) and read[at + 1].text == ","
            at += expected
        elif token.text != "(":
            expected = False
        at += 1
    return found
