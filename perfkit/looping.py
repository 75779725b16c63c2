"""Reads a function's bytecode: does a loop repeat this call, and what is read from its result?"""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from itertools import pairwise
from types import CodeType


@lru_cache(maxsize=1024)
def _loops(code: CodeType) -> tuple[tuple[int, int, int], ...]:
    """Return (first offset, last offset, line) of each loop: from a jump's target back to the jump."""
    lines: dict[int, int] = {}
    loops = []
    line = code.co_firstlineno
    before = ""
    for instruction in dis.get_instructions(code):
        if instruction.positions is not None and instruction.positions.lineno is not None:
            line = instruction.positions.lineno
        lines[instruction.offset] = line
        target = instruction.argval
        if (
            "JUMP" in instruction.opname
            and "NO_INTERRUPT" not in instruction.opname  # how an await waits
            and before != "CLEANUP_THROW"  # and, in CPython 3.12, how it goes on
            and isinstance(target, int)
            and target <= instruction.offset
        ):
            # The condition of a ``while`` stands at both ends.
            loops.append((target, instruction.offset, min(line, lines.get(target, line))))
        before = instruction.opname
    return tuple(loops)


def loop_line(code: CodeType, at: int) -> int | None:
    """Return the line of the innermost loop around an instruction; None outside of loops.

    Args:
        code: a function's.
        at: the instruction's offset in bytes, as in ``frame.f_lasti``.
    """
    around = [loop for loop in _loops(code) if loop[0] <= at <= loop[1]]
    return min(around, key=lambda loop: loop[1] - loop[0])[2] if around else None


@lru_cache(maxsize=1024)
def calls(code: CodeType, name: str) -> bool:
    """Tell whether a function calls something of that name; reading an attribute is no call."""
    for instruction in dis.get_instructions(code):
        if instruction.argval == name:
            if instruction.opname in _NAMES:
                return True
            # Since CPython 3.12 the lowest bit tells a method that is called from an attribute.
            if sys.version_info >= (3, 12) and instruction.opname == "LOAD_ATTR":
                if (instruction.arg or 0) & 1:
                    return True
    return False


_NAMES = frozenset({"LOAD_DEREF", "LOAD_GLOBAL", "LOAD_METHOD", "LOAD_NAME"})


@lru_cache(maxsize=1024)
def attributes_read_of(code: CodeType, at: int) -> frozenset[str]:
    """Return what a function reads of an attribute: ``{"pk"}`` where it has ``book.author.pk`` only.

    Args:
        code: the function's.
        at: offset of the ``LOAD_ATTR`` that gives the attribute, as in ``frame.f_lasti``.

    Returns:
        The attributes' names, with ``""`` for any other use; empty where there is no such
        instruction.
    """
    instructions = list(dis.get_instructions(code))
    names = [
        each.argval for each in instructions if each.opname == "LOAD_ATTR" and each.offset == at
    ]
    found = set()
    for each, after in pairwise(instructions):
        if each.opname == "LOAD_ATTR" and each.argval in names:
            found.add(str(after.argval) if after.opname == "LOAD_ATTR" else "")
    return frozenset(found)
