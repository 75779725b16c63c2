"""Watches the corpus with each tool on each Django and prints the matrix: `make accuracy`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from rich.console import Console

from tests.nplusone.accuracy import page, scores, tables
from tests.nplusone.accuracy.environment import DJANGOS, FOLDER, Environment, prepare
from tests.nplusone.accuracy.tools import TOOLS, Tool
from tests.nplusone.case import FOLDER as CASES
from tests.nplusone.case import ROOT

AT_ONCE = 2
WIDTH = 120
LIMIT_SECONDS = 15 * 60
PAGE = ROOT / "docs" / "accuracy.md"


def main() -> int:
    """Run everything; 1 when perfkit misses a case, flags one that must stay silent, or fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", default=[], help="only this case, shown in full")
    options = parser.parse_args()
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)  # a row of the matrix is not broken, in a pipe either
    found = prepare(console)
    console.print(
        f"Watching: {', '.join(TOOLS)}, on Django {' and '.join(e.django for e in found)}"
    )
    before = sources()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pairs = list(product(found, TOOLS.values()))
        results = list(pool.map(lambda pair: watch(*pair, options.case), pairs))
    if sources() != before:
        console.print(
            "perfkit or its corpus was edited meanwhile: not all saw the same code. Run again."
        )
        return 1
    scores.ask_alike(results)
    if options.case and not any(each.marks for each in results if not each.failure):
        console.print(f"There is no case {' or '.join(options.case)}.")
        return 1
    if options.case:
        tables.cases(console, results)
    else:
        tables.wrong(console, [each for each in results if each.tool == "perfkit"])
    tables.matrix(console, results)
    if not options.case and len(found) == len(DJANGOS):
        PAGE.write_text(page.page(results), encoding="utf-8")
        console.print(f"Case by case: {PAGE.relative_to(ROOT)}")
    return int(any(not each.holds for each in results if each.tool == "perfkit"))


def sources() -> str:
    """Name the state of perfkit and of what the cases are made of; tests around them may change."""
    files = [*CASES.glob("*.py"), *CASES.glob("templatetags/*.py"), *CASES.rglob("*.html")]
    files += (ROOT / "perfkit").rglob("*.py")
    read = (file.read_bytes() for file in sorted(files) if not file.name.startswith("test_"))
    return hashlib.sha256(b"\0".join(read)).hexdigest()


def watch(environment: Environment, tool: Tool, ids: Iterable[str]) -> scores.Result:
    """Run one tool's process on one Django; a tool that cannot even start is a result too."""
    name = f"django{environment.django}-{tool.name}"
    output, log = FOLDER / f"{name}.json", FOLDER / f"{name}.log"
    output.unlink(missing_ok=True)
    command = [
        str(environment.python),
        "-m",
        "tests.nplusone.accuracy.watch",
        tool.name,
        str(output),
    ]
    command += [argument for each in ids for argument in ("--case", each)]
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PERFKIT", "PYTHON"))
    }
    failure = ""
    with log.open("w") as stream:
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=LIMIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            failure = f"not finished after {LIMIT_SECONDS} s"
        else:
            if done.returncode:
                failure = log.read_text(errors="replace").strip().rpartition("\n")[2]
    data: dict[str, Any] = {}
    if not failure:
        data = json.loads(output.read_text())
    return scores.result(environment.django, environment.cpython, tool.name, data, failure)


if __name__ == "__main__":
    sys.exit(main())
