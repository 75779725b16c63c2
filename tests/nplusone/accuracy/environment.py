"""Makes an environment for each Django of the comparison: perfkit from the checkout, the other tools pinned."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from tests.nplusone.case import ROOT

sys.path.append(str(ROOT / "scripts"))
import environments  # the project's own way to make an environment on any machine
import matrix  # which Python each Django supports, and what setup.cfg asks for

FOLDER = ROOT / ".accuracy"
DJANGOS = ("5.2", "6.1")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class Environment(NamedTuple):
    """An environment that is ready to use."""

    django: str
    python: Path
    cpython: str


def prepare(console: Console) -> list[Environment]:
    """Make what is missing or out of date; the same CPython for both, so that only Django differs.

    Raises:
        SystemExit: no interpreter suits any Django, or pip could not install.
    """
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    found = environments.interpreters()
    suits = {django: _suitable(django, found) for django in DJANGOS}
    for django in [django for django, minors in suits.items() if not minors]:
        first, last = map(matrix.text, matrix.DJANGO[django])
        console.print(f"Without Django {django}: no CPython from {first} to {last} was found")
        del suits[django]
    if not suits:
        raise SystemExit("There is no CPython for any of them.")
    common = set.intersection(*suits.values())
    return [
        _ready(console, django, found[max(common or minors)]) for django, minors in suits.items()
    ]


def _suitable(
    django: str, found: dict[tuple[int, int], environments.Interpreter]
) -> set[tuple[int, int]]:
    first, last = matrix.DJANGO[django]
    return {minor for minor in found if first <= minor <= last}


def _ready(console: Console, django: str, interpreter: environments.Interpreter) -> Environment:
    folder = FOLDER / f"django{django}"
    stamp, python = folder / "made-from", folder / "bin" / "python"
    state = f"{matrix.requirements()}{REQUIREMENTS.read_text()}{interpreter}{django}"
    made_from = hashlib.sha256(state.encode()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == made_from):
        console.print(f"Making {folder.relative_to(ROOT)} with Python {interpreter}")
        environments.make(interpreter, folder)
        try:
            environments.pip_install(
                python, "-e", f"{ROOT}", "-r", str(REQUIREMENTS), f"Django=={django}.*"
            )
        except RuntimeError as error:
            raise SystemExit(str(error)) from None
        stamp.write_text(made_from)
    return Environment(django, python, str(interpreter))
