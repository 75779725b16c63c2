"""Measure what perfkit and its peers add to Django, side by side in one run.

Every contender is one process with its own Django settings. The parent asks one process at a time
for a burst of requests to one page, with a burst of bare Django right beside it, goes round all
contenders, and starts the next round with another one; figures are medians over the rounds.

    python benchmarks/overhead.py                       # everything; several minutes
    python benchmarks/overhead.py --quick               # few rounds, to see that it works
    python benchmarks/overhead.py --only perfkit --only django-silk --mode wsgi
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from figures import FLOOR, Figures, figures
from roster import PEERS, ROSTER
from rounds import BARE, Plan, measure
from tables import Table, bars, tables

ALWAYS = (BARE, "bare again", FLOOR)
MODES = ("wsgi", "asgi")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, or 1 when a contender failed."""
    options = _options(arguments)
    plan = Plan(options.processes, options.rounds, options.burst_ms, options.memory_requests)
    if options.quick:
        plan = Plan(processes=1, rounds=3, burst_ms=5.0, memory_requests=5)
    names = [name for name in ROSTER if not options.only or name in (*ALWAYS, *options.only)]
    absent = {name: missing for name in names if (missing := ROSTER[name]().missing())}
    present = [name for name in names if name not in absent]
    peers = {kind.name for kind in PEERS}

    print(_setting(plan, present, absent))
    results: dict[str, list[Figures]] = {}
    shown: list[Table] = []
    verdicts: list[str] = []
    for mode in options.mode or MODES:
        results[mode] = figures(measure(present, mode, plan, _progress))
        _progress("")
        shown += tables(mode, results[mode], peers)
        verdicts += bars(mode, results[mode], peers)
    problems = [
        f"{mode}: {one.name} FAILED: {one.problem}"
        for mode, found in results.items()
        for one in found
        if one.problem
    ]
    for table in shown:
        print(table.text())
    print("\n".join([*problems, *verdicts]))
    if options.json:
        options.json.write_text(json.dumps(_document(plan, present, absent, results), indent=1))
    if options.markdown:
        options.markdown.write_text(_markdown(plan, present, absent, shown, problems + verdicts))
    return 1 if problems else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--only",
        action="append",
        choices=list(ROSTER),
        metavar="NAME",
        help=f"measure these (and {', '.join(ALWAYS)}); one of: {', '.join(ROSTER)}",
    )
    parser.add_argument("--mode", action="append", choices=MODES, help="default: both")
    parser.add_argument("--rounds", type=int, default=40, help="rounds in each process (40)")
    parser.add_argument(
        "--processes", type=int, default=3, help="how often every contender is started afresh (3)"
    )
    parser.add_argument(
        "--burst-ms", type=float, default=10.0, help="about how long one burst lasts, in ms (10)"
    )
    parser.add_argument(
        "--memory-requests",
        type=int,
        default=50,
        help="requests to each page before memory is read (50)",
    )
    parser.add_argument("--quick", action="store_true", help="one process, three short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to FILE")
    return parser.parse_args(arguments)


def _environment() -> dict[str, Any]:
    import django

    return {
        "python": platform.python_version(),
        "django": django.get_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }


def _setting(plan: Plan, present: list[str], absent: dict[str, list[str]]) -> str:
    facts = _environment()
    machine = f"Python {facts['python']}, Django {facts['django']}, {facts['system']}"
    rounds = f"{plan.processes} x {plan.rounds} rounds of bursts of {plan.burst_ms:g} ms"
    lines = [f"{machine}; {rounds}", ""]
    for name in present:
        contender = ROSTER[name]()
        versions = ", ".join(f"{key} {value}" for key, value in contender.versions().items())
        lines.append(f"{name}: {contender.what}" + (f" [{versions}]" if versions else ""))
    for name, missing in absent.items():
        lines.append(f"{name}: MISSING, not measured: {', '.join(missing)} is not installed")
    return "\n".join([*lines, ""])


def _document(
    plan: Plan, present: list[str], absent: dict[str, list[str]], results: dict[str, list[Figures]]
) -> dict[str, Any]:
    return {
        "environment": _environment(),
        "plan": asdict(plan),
        "contenders": {
            name: {"what": ROSTER[name].what, "versions": ROSTER[name]().versions()}
            for name in present
        },
        "missing": absent,
        "modes": {mode: [asdict(one) for one in found] for mode, found in results.items()},
    }


INTRODUCTION = """\
# What it costs

Written by `make bench`: what perfkit and eight other tools add to Django, each in a process of its own, side by side in one
run. Read ratios, not digits: the machine is small and shared, and "bare again" shows how far two equal processes lie apart.
The aims and whether they were met stand at the end.
"""


def _markdown(
    plan: Plan,
    present: list[str],
    absent: dict[str, list[str]],
    shown: list[Table],
    closing: list[str],
) -> str:
    first, *contenders = [line for line in _setting(plan, present, absent).splitlines() if line]
    parts = [INTRODUCTION, first + ".", "", *(f"- {line}" for line in contenders), ""]
    parts += [table.markdown() for table in shown]
    parts += ["## The aims", "", *(f"- {line}" for line in closing)]
    return "\n".join(parts) + "\n"


def _progress(text: str) -> None:
    """Show one line of progress in place; say nothing where nobody watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
