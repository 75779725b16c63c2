"""Keeps what a panel stores small: the toolbar holds it for each request of its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

#: Bytes that one panel stores of one request at most, as JSON.
MOST_BYTES: Final = 64_000
#: Of these, what is left for everything beside the long list.
ASIDE: Final = 8_000
#: Characters of one text at most.
MOST_TEXT: Final = 4_000


def fitting(
    rows: Iterable[Any], most: int, most_bytes: int = MOST_BYTES - ASIDE
) -> tuple[list[Any], int]:
    """Return the first rows that fit, and how many were left out.

    Args:
        rows: plain JSON, those to keep first.
        most: rows at most.
        most_bytes: bytes at most, as JSON.
    """
    kept: list[Any] = []
    left_out = 0
    for row in rows:
        if left_out or len(kept) >= most:
            left_out += 1
            continue
        most_bytes -= len(json.dumps(row)) + 2
        if most_bytes < 0:
            left_out = 1
        else:
            kept.append(row)
    return kept, left_out


def cut(text: str, most: int = MOST_TEXT) -> str:
    """Return a text, a long one without its end; how long it was is told."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"
