"""Whole stacks of a profile, as the formats of stacks want them, in text that breaks no line."""

from __future__ import annotations

import re

from perfkit.profiling.capture import Frame, Profile

#: Line ends, what moves a cursor, lone surrogates: a name of the site's may hold anything.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Escape what would end a line or is no character."""
    return _UNSAFE.sub(lambda char: char[0].encode("unicode_escape").decode("ascii"), text)


def name_of(frame: Frame) -> str:
    """Name a frame: a template by its file, all else by its function."""
    if frame.function == "template":
        return plain(f"template {frame.file}")
    return plain(frame.function)


def stack_of(profile: Profile, node: int) -> list[int]:
    """Return the nodes from the root to this one."""
    stack = []
    while node >= 0:
        stack.append(node)
        node = profile.nodes[node].parent
    stack.reverse()
    return stack
