"""One case of the corpus: a piece of code, what is to be said about it, and the code with the fix.

Lines are named by markers, because numbers move: a comment such as ``S01 access`` in a Python file
or in a template. Several markers on one line are joined by a semicolon. ``line_of("S01 access")``
finds the line. Markers are unique in ``tests/nplusone/``.

Each file of cases holds a tuple ``CASES``. Nothing of perfkit is imported here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
_MARKED = re.compile(r"(?:#|\{#)\s*((?:[\w-]+ (?:access|origin|loop|via)(?:;\s*)?)+)\s*(?:#\}.*)?$")


class Line(NamedTuple):
    """A line of the corpus, its file named from the project's root."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """A shape of code and the verdict expected on it, with the six rows of ``fill()``.

    Attributes:
        id: ``"S01"``, ``"N07"``, ``"X04"``; variations end in a letter: ``"S01b"``.
        shape: the shape in one line.
        run: does the code on real rows and returns something comparable; safe to call again in
            a transaction that was rolled back. Coroutines are run inside it.
        fixed: the same with the fix written in; returns an equal result. None without one.
        kind: kind of the finding; ``""`` when there must be none.
        model: label of the root model; ``""`` when none can be known.
        path: ORM paths, joined by ``", "``; in any order; None when not asserted.
        fix: the code; ``""`` when words only; None when not asserted.
        access: marker of the line that asked; None when not asserted.
        origin: marker of the line that evaluated the root queryset; None when there is none.
        severity: of the finding.
        saved: statements that the finding promises to save, at least.
        callers: markers of lines that the finding names besides, in ``callers`` or ``loop``.
        function: what ``access.function`` ends in, when it is no function's name.
        says: words that the message must hold.
        beside: code besides ``fixed`` in which the fix is written: a class, a template's name.
        also: kinds of further findings that are right here.
        prepare: called before ``run``, and not watched.
        commits: needs rows that other connections see: no transaction around it.
        needs: ``"fetch_modes"``: Django 6.1.2 or later; else ``""``.
        note: anything worth knowing.
    """

    id: str
    shape: str
    run: Callable[[], Any]
    fixed: Callable[[], Any] | None = None
    kind: str = ""
    model: str = ""
    path: str | None = ""
    fix: str | None = None
    access: str | None = None
    origin: str | None = None
    severity: str = "warning"
    saved: int = 0
    callers: tuple[str, ...] = ()
    function: str = ""
    says: tuple[str, ...] = ()
    beside: tuple[Any, ...] = ()
    also: tuple[str, ...] = ()
    prepare: Callable[[], Any] | None = None
    commits: bool = False
    needs: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self.id


def maker(functions: Mapping[str, Any], **common: Any) -> Callable[..., Case]:
    """Return what makes cases of a file's functions: those of ``"S01"`` are ``s01`` and ``s01_fixed``.

    Args:
        functions: the file's ``globals()``.
        common: facts that its cases share. Markers of access and origin bear the case's id unless
            said otherwise.
    """

    def make(case_id: str, shape: str, **facts: Any) -> Case:
        name = case_id.lower()
        lines = {"access": f"{case_id} access", "origin": f"{case_id} origin"}
        return Case(
            id=case_id,
            shape=shape,
            run=functions[name],
            fixed=functions.get(f"{name}_fixed"),
            **{**lines, **common, **facts},
        )

    return make


def eager(on: Callable[..., Case], method: str, saved: int) -> Callable[..., Case]:
    """Return what makes cases that one call mends, ``select_related()`` or ``prefetch_related()``.

    Args:
        on: what ``maker`` returned.
        method: the one to call, with all paths of a case.
        saved: statements that it saves, unless a case says otherwise.
    """

    def make(case_id: str, shape: str, model: str, *paths: str, **facts: Any) -> Case:
        names = ", ".join(f'"{path}"' for path in paths)
        facts = {"fix": f".{method}({names})", "saved": saved, **facts}
        return on(case_id, shape, model=f"corpus.{model}", path=", ".join(paths), **facts)

    return make


def line_of(marker: str) -> Line:
    """Return the line that bears a marker, such as ``"S01 access"``."""
    return lines()[marker]


@cache
def lines() -> dict[str, Line]:
    """Return every marked line of the corpus.

    Raises:
        ValueError: two lines bear one marker.
    """
    found: dict[str, Line] = {}
    for path in sorted([*FOLDER.rglob("*.py"), *FOLDER.rglob("*.html"), *FOLDER.rglob("*.txt")]):
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if not (marked := _MARKED.search(text)):
                continue
            for marker in filter(None, re.split(r";\s*", marked[1].strip())):
                if marker in found:
                    raise ValueError(f"{marker!r} marks {found[marker]} and {path.name}:{number}")
                found[marker] = Line(path.relative_to(ROOT).as_posix(), number)
    return found
