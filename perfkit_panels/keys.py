"""What cache keys have in common: their words, without the numbers, names and hashes in them.

A key is made of words of the code and of values. Which is which nobody says, so that everything
but plain words counts as a value, and so does a word at a place where others stand as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

VALUE: Final = "*"
#: Different words at one place of otherwise equal keys that make it a value.
VARIED: Final = 3
#: Characters of a key that are looked at.
MOST: Final = 250
_PARTS: Final = re.compile(r"([^\s:./|,;\-_=&?#~+]+)")
_WORD: Final = re.compile(r"[A-Za-z]{1,20}")


def shape_of(key: Any) -> str:
    """Reduce one key to its words: ``user:17:name`` is ``user:*:name``."""
    if not isinstance(key, str):
        return VALUE
    parts = _PARTS.split(key[:MOST])
    return "".join(
        part if not at % 2 or _WORD.fullmatch(part) else VALUE for at, part in enumerate(parts)
    ) + ("…" if len(key) > MOST else "")


def shapes_of(keys: Iterable[Any]) -> dict[Any, str]:
    """Map keys to their shapes; words that differ between keys alike otherwise are values."""
    plain = {key: shape_of(key) for key in dict.fromkeys(keys)}
    for _round in range(2):
        renamed = _varied(set(plain.values()))
        plain = {key: renamed.get(shape, shape) for key, shape in plain.items()}
    return plain


def _varied(shapes: set[str]) -> dict[str, str]:
    """Find the shapes that differ in one word only, and give them one with a value there."""
    alike: dict[str, set[str]] = {}
    for shape in shapes:
        parts = _PARTS.split(shape)
        for at in range(1, len(parts), 2):
            rest = "".join([*parts[:at], VALUE, *parts[at + 1 :]])
            alike.setdefault(rest, set()).add(shape)
    renamed: dict[str, str] = {}
    for rest, several in sorted(alike.items(), key=lambda item: -len(item[1])):
        if len(several) >= VARIED:
            renamed.update({shape: rest for shape in several if shape not in renamed})
    return renamed
