"""Test the wheel on every supported pair of Django and CPython that this machine has, two pairs at a time.

With `--next` on the Django to come and the newest CPython instead: its main branch, else a pre-release on PyPI.
The environments are kept in .matrix/ and made anew only when setup.cfg's requirements or the Python change.
"""

from __future__ import annotations

import configparser
import hashlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import environments
import suite
import wheel
from environments import ROOT, Interpreter

MATRIX = ROOT / ".matrix"
AT_ONCE = 2
# The Pythons that each Django supports: first and last, from the classifiers of its releases.
DJANGO = {"5.2": ((3, 11), (3, 14)), "6.0": ((3, 12), (3, 14)), "6.1": ((3, 12), (3, 15))}
#: The toolbars to test with, where it is not the newest.
TOOLBAR = {"5.2": ("django-debug-toolbar==6.3.*",)}
NEXT = ("Django @ https://github.com/django/django/archive/main.tar.gz", "Django>=6.2.dev0")
WANTED = ((3, 11), (3, 12), (3, 13), (3, 14))


class Cell(NamedTuple):
    """One pair to test."""

    interpreter: Interpreter
    django: str

    @property
    def name(self) -> str:
        """Return the pair as folder and log are named."""
        return "py{}.{}-django{}".format(*self.interpreter.minor, self.django)


class Result(NamedTuple):
    """How one pair ended."""

    cell: Cell
    passed: bool
    summary: str
    log: Path
    seconds: float


def text(minor: tuple[int, int]) -> str:
    """Return a minor version as it is written."""
    return ".".join(map(str, minor))


def plan(found: dict[tuple[int, int], Interpreter]) -> list[Cell]:
    """Choose the pairs, and name every one that is left out and why."""
    cells = []
    for minor, interpreter in sorted(found.items()):
        print(f"CPython {interpreter}: {interpreter.program}")
        for django, (first, last) in DJANGO.items():
            if first <= minor <= last:
                cells.append(Cell(interpreter, django))
            else:
                print(f"  not with Django {django}, which supports {text(first)} to {text(last)}")
    for minor in WANTED:
        if minor not in found:
            print(f"CPython {text(minor)}: not found on this machine, so not tested")
    return cells


def requirements(cell: Cell) -> str:
    """Return what an environment is made from, as setup.cfg states it."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = dict(setup["options.extras_require"])
    return setup["options"]["install_requires"] + repr((extras, pinned(cell)))


def pinned(cell: Cell) -> tuple[str, ...]:
    """Return what a pair is tested with besides: the oldest Django has the older toolbar."""
    return (f"Django=={cell.django}.*", *TOOLBAR.get(cell.django, ()))


def prepare(cell: Cell, built: Path) -> Path:
    """Return the Python of the cell's environment with the wheel in it; reuse the environment if it still holds."""
    folder = MATRIX / cell.name
    python = folder / "bin" / "python"
    stamp = folder / "made-from"
    made_from = hashlib.sha256(f"{requirements(cell)}{cell}".encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from and python.exists():
        environments.pip_install(python, "--no-deps", "--force-reinstall", str(built))
    else:
        environments.make(cell.interpreter, folder)
        environments.pip_install(python, f"{built}[test]", *pinned(cell))
        stamp.write_text(made_from)
    return python


def prepare_next(cell: Cell, built: Path) -> Path | None:
    """Return the Python of a new environment with the Django to come; None when it can be had nowhere."""
    python = environments.make(cell.interpreter, MATRIX / cell.name)
    environments.pip_install(python, f"{built}[test]")
    for django in NEXT:
        try:
            environments.pip_install(python, "--timeout=15", "--retries=0", "--upgrade", django)
        except RuntimeError as error:
            print(f"not to be had here: {django}: {str(error).strip().splitlines()[-1]}")
        else:
            subprocess.run([python, "-c", "import django; print('Django', django.get_version())"])
            return python
    return None


def test_next(built: Path) -> int:
    """Test the Django to come; nothing to test is no failure."""
    found = environments.interpreters()
    cell = Cell(found[max(found)], "next")
    python = prepare_next(cell, built)
    if python is None:
        return 0
    log = MATRIX / f"{cell.name}.log"
    outcome = suite.run(python, log)
    print(f"{cell.name}: {outcome.summary}; see {log.relative_to(ROOT)}")
    return int(not outcome.passed)


def is_newest(cell: Cell) -> bool:
    """Tell whether a pair is the newest Django with the newest CPython found for it."""
    newest = max(DJANGO)
    first, last = DJANGO[newest]
    found = [minor for minor in environments.interpreters() if first <= minor <= last]
    return cell.django == newest and cell.interpreter.minor == max(found)


def test(cell: Cell, built: Path) -> Result:
    """Test one pair; never raises, because the other pairs go on."""
    log = MATRIX / f"{cell.name}.log"
    started = time.monotonic()
    try:
        tests = () if is_newest(cell) else suite.NEAR_DJANGO
        outcome = suite.run(prepare(cell, built), log, tests, suite.LARGE)
    except (RuntimeError, SystemExit, OSError) as error:
        log.write_text(str(error))
        outcome = suite.Outcome(False, "its environment could not be made")
    return Result(cell, outcome.passed, outcome.summary, log, time.monotonic() - started)


def main() -> int:
    """Test all pairs; print a line for each as it ends, then the logs of those that failed."""
    MATRIX.mkdir(exist_ok=True)
    built = wheel.newest()
    if "--next" in sys.argv:
        return test_next(built)
    cells = plan(environments.interpreters())
    print(f"Pairs to test: {len(cells)}, {AT_ONCE} at a time", flush=True)
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in as_completed([pool.submit(test, cell, built) for cell in cells]):
            result = done.result()
            word = "ok    " if result.passed else "FAILED"
            print(
                f"{word} {result.cell.name:<20} {result.seconds:5.0f} s  {result.summary}",
                flush=True,
            )
            if not result.passed:
                failed.append(result)
    for result in failed:
        print(f"\n----- {result.cell.name}: {result.log.relative_to(ROOT)} -----")
        print(result.log.read_text(errors="replace"))
    print(f"Pairs passed: {len(cells) - len(failed)}, failed: {len(failed)}.")
    return int(bool(failed) or not cells)


if __name__ == "__main__":
    sys.exit(main())
