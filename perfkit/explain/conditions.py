"""Finds which columns a text of SQL compares, and whether an index could serve that.

Only names and operators are read. What is taken for a column counts only when the table has it, so
that no value can pass for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from perfkit.explain.lexer import Token, unquoted

_EQUALITY: Final = frozenset(("=", "IN", "IS", "BOOL"))
_INDEXABLE: Final = _EQUALITY | {"<", ">", "<=", ">=", "BETWEEN"}
_WORDS: Final = frozenset(("BETWEEN", "ILIKE", "IN", "IS", "LIKE"))
#: Casts that leave the order of values as it is: PostgreSQL shows them for every varchar.
_TEXT_TYPES: Final = frozenset(("BPCHAR", "CHARACTER", "TEXT", "VARCHAR"))
_SIGNS: Final = frozenset("<>=!~@#&|-*+/^%")
#: What may stand before a bare boolean column, and behind it.
_BEFORE: Final = frozenset(("", "(", "AND", "NOT", "ON", "OR", "WHERE"))
_BEHIND: Final = frozenset(("", ")", "AND", "OR"))
_LANGUAGE: Final = """
ALL AND ANY ARRAY BETWEEN CASE ELSE END EXISTS FALSE ILIKE IN IS LIKE NOT NULL ON OR THEN TRUE WHEN
WHERE
"""
_NO_COLUMNS: Final = frozenset(_LANGUAGE.split())


class Condition(NamedTuple):
    """One comparison.

    Attributes:
        qualifier: the table's name or alias before the column, ``""`` where there is none.
        column: the name.
        operator: as written; ``BOOL`` for a bare boolean column.
        is_plain: the column stands there alone, in no function and under no cast.
        is_joined: it is compared with another column.
    """

    qualifier: str
    column: str
    operator: str
    is_plain: bool
    is_joined: bool

    @property
    def place(self) -> int:
        """Where its column stands in an index: those that one value is asked for stand first."""
        if self.operator in ("=", "IN"):
            return 0
        return 1 if self.operator in _EQUALITY else 2

    @property
    def is_indexable(self) -> bool:
        """Whether an index of the plain kind on the column serves it."""
        return self.is_plain and self.operator in _INDEXABLE


def conditions(read: Sequence[Token]) -> Iterator[Condition]:
    """Yield the comparisons in a sequence of tokens, such as a WHERE or a plan's filter."""
    at = 0
    while at < len(read):
        if _text(read, at) == "::":
            at = _behind_type(read, at + 1)
            continue
        if not is_name(read[at]):
            at += 1
            continue
        begins, names = at, [unquoted(read[at])]
        while _text(read, at + 1) == "." and at + 2 < len(read) and is_name(read[at + 2]):
            at += 2
            names.append(unquoted(read[at]))
        at += 1
        if _text(read, at) != "(":  # else the name of a function
            yield from _condition(read, begins, at, names)


def _condition(
    read: Sequence[Token], begins: int, at: int, names: Sequence[str]
) -> Iterator[Condition]:
    closed, cast = 0, False
    while _text(read, at) in (")", "::") or _text(read, at).upper() == "AT":
        if _text(read, at) == ")":
            closed, at = closed + 1, at + 1
        elif _text(read, at) == "::":
            cast = cast or _text(read, at + 1).upper() not in _TEXT_TYPES
            at = _behind_type(read, at + 1)
        else:  # AT TIME ZONE 'UTC'
            cast, at = True, at + 4
    operator, behind = _operator(read, at)
    if not operator:
        if _before(read, begins) not in _BEFORE or _text(read, at).upper() not in _BEHIND:
            return
        operator = "BOOL"
    while _text(read, behind) == "(":
        behind += 1
    joined = behind + 1 < len(read) and is_name(read[behind]) and _text(read, behind + 1) == "."
    qualifier = names[-2] if len(names) > 1 else ""
    plain = not cast and not _in_function(read, begins, closed)
    yield Condition(qualifier, names[-1], operator, plain, joined)


def _before(read: Sequence[Token], begins: int) -> str:
    """Return the word or sign before a column and the parentheses around it."""
    at = begins - 1
    while at >= 0 and read[at].text == "(":
        at -= 1
    return read[at].text.upper() if at >= 0 else ""


def _in_function(read: Sequence[Token], begins: int, closed: int) -> bool:
    """Tell whether one of the parentheses that close behind a column is a function's."""
    depth = 0
    for at in range(begins - 1, -1, -1):
        depth += (read[at].text == ")") - (read[at].text == "(")
        if depth < 0:
            if closed <= 0:
                return False
            if at and read[at - 1].kind == "name" and read[at - 1].word not in _NO_COLUMNS:
                return True
            depth, closed = 0, closed - 1
    return False


def _behind_type(read: Sequence[Token], at: int) -> int:
    """Return where the name of a type ends, of one word or several."""
    while at < len(read) and read[at].word and read[at].word not in _NO_COLUMNS:
        at += 1
    return at


def _operator(read: Sequence[Token], at: int) -> tuple[str, int]:
    negated = _text(read, at).upper() == "NOT"
    word = read[at + negated].word if at + negated < len(read) else ""
    if word in _WORDS:
        return ("NOT " * negated) + word, at + negated + 1
    signs = ""
    while at < len(read) and set(read[at].text) <= _SIGNS and not (signs and read[at].apart):
        signs += read[at].text
        at += 1
    return signs, at


def is_name(token: Token) -> bool:
    """Tell whether a token may be the name of a column or table."""
    return token.kind == "quoted" or (token.kind == "name" and token.word not in _NO_COLUMNS)


def _text(read: Sequence[Token], at: int) -> str:
    return read[at].text if at < len(read) else ""
