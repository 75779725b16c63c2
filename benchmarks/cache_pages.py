"""The figures as text for the terminal and as Markdown for the documentation, of one Django or of all."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

LIMITS = """## What is not said

- Files: Django compresses them, so that nothing is said of the disk's bytes. Which files go when the folder is
  full is drawn at random, by Django and by the replay: the ratios are near, not equal.
- A folder with many files is listed with each store, which costs more the more there are; the cost that is
  measured at report time, with few or none, is too low then. See *own* of the folder without a limit, which
  is left out of traces beyond 10,000 requests because it takes so long.
- A view's own `max-age` is longer or shorter than the timeout: the site-wide middleware takes it for the
  timeout, the replay does not. With `max-age=0` both store nothing.
- A POST that writes nothing is not noted, so that ratios are of GET requests.
- Traffic that is not like that observed: see *Drift*.
- Rare readers: where most versions of a page were got by one visitor alone, the advisor cannot tell a change
  from a personal page, and says so in the verdict rather than call it safe.
"""

_PAIRS = ["H said", "H real", "saved s said", "saved s real", "stale said", "stale real"]


def text(found: dict[str, Any]) -> str:
    """Return every table in plain text, and the aims at the end."""
    return "\n".join([_headline(found), "", *_sections([found], _plain), *_aims([found])])


def page(founds: list[dict[str, Any]]) -> str:
    """Return the page of the documentation; the tables are of the first Django."""
    first = founds[0]
    head = [
        "# Is the cache advisor right?",
        "",
        "Made by `make cache-validation` (`benchmarks/cache_validation.py`): do not edit by hand. A day of",
        "requests runs in virtual time through a site whose costs, changes and readers are known: once",
        "with the advisor looking on and nothing cached, then with Django's own `cache_page` around every",
        "view. *Said* is what the advisor made of the first run; *real* is what happened in the second.",
        "Redis is a real server, but for its clock: what has run out by virtual time is removed for it.",
        "Ratios are of GET requests. `saved s` are seconds of the views' work in the whole trace.",
        "",
        *(f"- {_headline(found)}" for found in founds),
        f"- Made on {datetime.now(UTC):%Y-%m-%d}; load of the machine then {first['load']:.1f}.",
        "",
    ]
    return "\n".join(
        [*head, "## The aims", "", *_aims(founds), "", LIMITS, *_sections(founds[:1], _markdown)]
    )


def _headline(found: dict[str, Any]) -> str:
    redis = "" if found["redis"] else "; no redis-server here, so Redis was left out"
    return (
        f"Django {found['django']}, Python {found['python']}: {found['trace']} trace, "
        f"{found['requests']:,} requests, {found['visitors']:,} visitors, "
        f"{found['addresses']:,} addresses{redis}."
    )


def _aims(founds: list[dict[str, Any]]) -> list[str]:
    return [
        f"- {'met' if bar['met'] else 'MISSED'}, Django {found['django']}, {found['trace']} trace: {bar['what']}: {bar['figure']}"
        for found in founds
        for bar in found["bars"]
    ]


def _sections(founds: list[dict[str, Any]], write: Any) -> list[str]:
    found, made = founds[0], []
    made += write(
        "All views in one cache",
        "Memory in kB; *own* is what the cache itself takes, in real seconds; *full* where it cannot hold all.",
        [
            "cache",
            "T",
            "GETs",
            *_PAIRS,
            "memory said",
            "memory real",
            "own said",
            "own real",
            "full",
        ],
        [[row[0], *row[2:4], *_pairs(row[4:10]), *_memory(row)] for row in found["grids"]],
    )
    made += write(
        "View by view, in a process that holds all",
        "`cache_page` around a view that must not be cached so, too: its stale share is what would leak.",
        ["view", "T", "GETs", *_PAIRS],
        [[*row[1:4], *_pairs(row[4:10])] for row in found["views"]],
    )
    made += write(
        "Other ways to cache, T = 900",
        "On LocMem without a limit, one process.",
        ["way", "view", "GETs", *_PAIRS],
        [[*row[:2], row[3], *_pairs(row[4:10])] for row in found["policies"]],
    )
    made += write(
        "From a sample, R = 0.1",
        "The 64 commonest addresses of each route and process whole, of the rest every tenth: "
        + ", ".join(
            f"{share:.0%} of the events with {each}" for each, share in found["noted"].items()
        )
        + " processes. A small trace leaves little to sample.",
        ["cache", "view", "T", "GETs", "H said", "H real", "off by"],
        [[*row[:4], _r(row[4]), _r(row[5]), f"{row[4] - row[5]:+.4f}"] for row in found["sampled"]],
    )
    made += write(
        "Without a replay",
        "Poisson's formula for the ratio; hits times the view's mean time for the saving.",
        ["T", "H real", "H said", "H Poisson", "saved s real", "saved s said", "at the mean time"],
        [[row[0], *map(_r, row[1:4]), *map(_s, row[4:])] for row in found["naive"]],
    )
    made += write(
        "One worker's view taken for all",
        "Of a cache that all workers share.",
        ["workers", "T", "H real", "H said", "H by one worker"],
        [[*row[:2], *map(_r, row[2:])] for row in found["one_worker"]],
    )
    made += write(
        "Drift: the first half of the hours says, the second half is",
        "No aim: traffic changes. The worst view with at least 100 requests stands beside it.",
        ["T", "H said of the first", "H real in the second", "off by", "worst view off by", "view"],
        [
            [row[0], _r(row[1]), _r(row[2]), f"{row[1] - row[2]:+.4f}", _r(row[3]), row[4]]
            for row in found["drift"]
        ],
    )
    made += write(
        "What the advisor says of each view",
        "With what it saw in this trace.",
        ["route", "verdict", "T", "reasons"],
        [[row[0], row[1], row[2] or "", row[3]] for row in found["verdicts"]],
    )
    return made


def _r(value: float) -> str:
    return f"{value:.4f}"


def _s(value: float) -> str:
    return f"{value:,.1f}"


def _pairs(row: Sequence[float]) -> list[str]:
    return [_r(row[0]), _r(row[1]), _s(row[2]), _s(row[3]), _r(row[4]), _r(row[5])]


def _memory(row: Sequence[Any]) -> list[str]:
    said, real, own, own_real, full = row[10:]
    held = [f"{said / 1000:,.0f}", f"{real / 1000:,.0f}"] if real else ["", ""]
    return [*held, f"{own:.2f}", f"{own_real:.2f}", "full" if full else ""]


def _plain(title: str, note: str, head: list[str], rows: list[list[Any]]) -> list[str]:
    table = [head, *([str(each) for each in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return [title, note, "", *lines, ""]


def _markdown(title: str, note: str, head: list[str], rows: list[list[Any]]) -> list[str]:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    rule = "|" + " --- |" + " ---: |" * (len(head) - 1)
    return [f"## {title}", "", note, "", lines[0], rule, *lines[1:], ""]


def every_django(options: argparse.Namespace) -> int:
    """Run on every Django that an interpreter of this machine can run; a log on the first one only."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import environments
    import matrix

    found = environments.interpreters()
    founds: list[dict[str, Any]] = []
    status = 0
    for django, (first, last) in matrix.DJANGO.items():
        fitting = [each for minor, each in sorted(found.items()) if first <= minor <= last]
        if not fitting:
            print(f"Django {django}: no interpreter for it here, so not run")
            continue
        python = _environment(fitting[0], django)
        status |= _run(python, [], options, founds)
        if options.trace and len(founds) == 1:
            status |= _run(python, ["--trace", str(options.trace)], options, founds)
    if options.markdown is not None and founds:
        options.markdown.write_text(page(founds))
    print("\n".join(_aims(founds)))
    return status


def _run(
    python: Path, more: list[str], options: argparse.Namespace, founds: list[dict[str, Any]]
) -> int:
    """Run this program in another environment, and take its figures."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [str(python), str(HERE / "cache_validation.py"), "--json", str(out), *more]
        command += ["--seed", str(options.seed), *(["--full"] if options.full else [])]
        command += ["--requests", str(options.requests)] if options.requests else []
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
        if out.exists():
            founds.append(json.loads(out.read_text()))
        return done.returncode


def _environment(interpreter: Any, django: str) -> Path:
    import environments

    folder = (
        ROOT / ".matrix" / f"cache-{interpreter.minor[0]}.{interpreter.minor[1]}-django{django}"
    )
    python = folder / "bin" / "python"
    if not python.exists():
        environments.make(interpreter, folder)
        needed = [f"Django=={django}.*", "rich", "sqlparse", "statsd", "redis"]
        environments.pip_install(python, *needed)
    return python
