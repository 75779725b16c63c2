"""The four pages every contender is asked for; plain data, no Django needed."""

from __future__ import annotations

from dataclasses import dataclass

BOOKS = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its name in URLs, what it does in words, and the statements one request runs."""

    name: str
    title: str
    statements: int


NONE = Page("none", "no statement", 0)
TEN = Page("ten", "10 different statements", 10)
FIFTY = Page("fifty", "50 different statements", 50)
N_PLUS_ONE = Page("n_plus_one", f"N+1: one list, {BOOKS} lazy loads", BOOKS + 1)
PAGES = (NONE, TEN, FIFTY, N_PLUS_ONE)
