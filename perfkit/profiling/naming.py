"""Names code objects, templates and pyinstrument's frames as the model has them, and their source files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import CodeType

from perfkit.capture.places import Owner, owner_of, short_name
from perfkit.profiling.capture import FRAMEWORK, PACKAGE, SITE, WAITING, Frame

OWNERS = {Owner.SITE: SITE, Owner.PACKAGE: PACKAGE, Owner.FRAMEWORK: FRAMEWORK}

#: Begins a text that is no template's file but stands for itself.
WORD = "\x00"

#: A name made from data must not fill a capture.
_LONGEST = 300

_short = lru_cache(maxsize=1024)(short_name)


class Names:
    """Names the places of one tree, and remembers in which file each frame is.

    Args:
        codes: number of a code object -> itself.

    Attributes:
        files: short name of a file -> the file.
    """

    def __init__(self, codes: Mapping[int, CodeType]) -> None:
        self._codes = codes
        self._lines: dict[int, list[tuple[int, int, int]]] = {}
        self.files: dict[str, str] = {}

    def of_place(self, what: int | str, at: int) -> tuple[Frame, int]:
        """Name a code object at an instruction, a template at a line, or a word of ours."""
        if isinstance(what, int):
            return self.of_code(self._codes[what]), self._line(what, at)
        if what.startswith(WORD):
            return Frame("", 0, what[1:], FRAMEWORK), 0
        return Frame(self.file(what), 0, "template", OWNERS[owner_of(what)]), at

    def of_code(self, code: CodeType | str) -> Frame:
        """Name a function; cProfile names one that is written in C by a text."""
        if isinstance(code, str):
            return Frame("", 0, code[:_LONGEST], FRAMEWORK)
        file = code.co_filename
        return Frame(
            self.file(file),
            code.co_firstlineno,
            code.co_qualname[:_LONGEST],
            OWNERS[owner_of(file)],
        )

    def of_text(self, text: str, at: int) -> tuple[Frame, int]:
        """Name a frame of pyinstrument's: function, file and line, then what else it tells."""
        if text.startswith(WORD):
            return Frame("", 0, text[1:], FRAMEWORK), 0
        identifier, *attributes = text.split("\x01")
        function, file, line = (*identifier.split("\x00"), "", "0")[:3]
        if file.startswith("<"):  # written in C, or frozen
            return Frame("", 0, function[:_LONGEST], FRAMEWORK), 0
        told = {each[:1]: each[1:] for each in attributes}
        first = int(line) if line.isdecimal() else 0
        now = told.get("l", "")
        if told.get("c"):
            function = f"{told['c']}.{function}"
        frame = Frame(self.file(file), first, function[:_LONGEST], OWNERS[owner_of(file)])
        return frame, int(now) if now.isdecimal() else first

    def file(self, path: str) -> str:
        """Shorten a file's name, and remember the file."""
        short = _short(path)[:_LONGEST]
        self.files.setdefault(short, path)
        return short

    def _line(self, ident: int, at: int) -> int:
        code = self._codes[ident]
        lines = self._lines.get(ident)
        if lines is None:
            found = [(first, end, line) for first, end, line in code.co_lines() if line]
            lines = self._lines[ident] = found
        return next((line for first, end, line in lines if first <= at < end), code.co_firstlineno)


#: The innermost place of a coroutine that waits.
WAITING_PLACE = (WORD + WAITING, 0)
