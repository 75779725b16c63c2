"""Turns a stack into few lines of text: whose code, file, line and function; no value."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from perfkit.capture.places import Owner, owner_of, short_name
from perfkit.capture.templates import RENDER, node_of, template_place

#: Lines kept of one stack; of a deeper one the innermost.
MOST_STEPS = 40
LONGEST_LABEL = 200

#: Kept of the framework's frames at the end, beside the one that the site called.
_INNERMOST = 2

_OURS = str(Path(__file__).parents[1]) + os.sep


class Steps(NamedTuple):
    """The lines of one stack.

    Attributes:
        lines: outermost first.
        own: the innermost line of the site's own, ``""`` where there is none.
    """

    lines: tuple[str, ...]
    own: str


def steps_of(stack: Sequence[FrameType | str]) -> Steps:
    """Turn a stack, outermost frame first, into its lines.

    Of the framework's frames before the first of the site's none is kept, between two of them the
    first, and at the end the first and the last two. Ours are left out.
    """
    named = [each for each in map(_line, stack) if each[0]]
    runs = [(owner, [*run]) for owner, run in groupby(named, lambda line: line[1])]
    kept: list[str] = []
    for number, (owner, run) in enumerate(runs):
        lines = [line for line, _ in run]
        if owner is not Owner.FRAMEWORK:
            kept += lines
            continue
        called = lines[:1] if number else []
        kept += called
        if number == len(runs) - 1:
            kept += lines[len(called) :][-_INNERMOST:]
    if len(kept) > MOST_STEPS:
        kept = ["...", *kept[1 - MOST_STEPS :]]
    own = [line for line, owner in named if owner is Owner.SITE]
    return Steps(tuple(kept), own[-1] if own else "")


def _line(frame: FrameType | str) -> tuple[str, Owner]:
    """Return a frame's text, and whose it is; no text for a frame of ours."""
    if isinstance(frame, str):
        return frame, Owner.PACKAGE
    code = frame.f_code
    if code is RENDER and (place := template_place(node_of(frame))):
        return _text(place[0], place[1], "template"), owner_of(place[0])
    if code.co_filename.startswith(_OURS):
        return "", Owner.FRAMEWORK
    return _text_of(code, frame.f_lineno or code.co_firstlineno), owner_of(code.co_filename)


@lru_cache(maxsize=2048)
def _text_of(code: CodeType, line: int) -> str:
    return _text(code.co_filename, line, code.co_qualname.replace("<locals>.", ""))


def _text(file: str, line: int, function: str) -> str:
    return f"{_short(file)}:{line} {function}"[:LONGEST_LABEL]


_short = lru_cache(maxsize=1024)(short_name)
