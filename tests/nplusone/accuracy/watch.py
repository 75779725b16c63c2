"""Runs every case under one tool, in a process of its own: `python -m tests.nplusone.accuracy.watch zeal`."""

from __future__ import annotations

import argparse
import json
import os
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import django

PACKAGE = "tests.nplusone"


def main() -> None:
    """Set Django up with the tool, make the rows, watch the cases, write what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("output", type=Path)
    parser.add_argument("--case", action="append", default=[])
    options = parser.parse_args()
    os.environ["ACCURACY_TOOL"] = options.tool
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{PACKAGE}.accuracy.settings"
    django.setup()
    from django.db import connections

    for connection in connections.all():
        # In memory, and shared by all threads, as in the tests.
        connection.creation.create_test_db(verbosity=0)
    from tests.nplusone.accuracy.tools import TOOLS

    tool = TOOLS[options.tool]
    result = {
        "tool": tool.name,
        "version": version(tool.package),
        "django": django.get_version(),
        "marks": [asdict(each) for each in watched(tool.module, options.case)],
    }
    options.output.write_text(json.dumps(result, indent=1))


def watched(module: str, ids: list[str]) -> Iterator[Any]:
    """Watch the cases, those with these ids or all. Whatever happens in one, the next ones run."""
    from django.core.management import call_command

    from tests.nplusone.accuracy import marks
    from tests.nplusone.fill import fill

    judged = judge_of(module)
    fill()
    for case in cases():
        if ids and case.id not in ids:
            continue
        if case.needs == "fetch_modes" and django.VERSION < (6, 1, 2):
            made = marks.marks(case)
            made.skipped = "fetch modes work from Django 6.1.2 on"
            yield made
            continue
        try:
            made = judged(case)
        except Exception as error:  # noqa: BLE001  # that a tool breaks the code is a result too
            made = marks.marks(case, traceback.format_exc().splitlines())
            made.crash = f"{type(error).__name__}: {error}".splitlines()[0]
        yield made
        if case.commits:
            call_command("flush", verbosity=0, interactive=False)
            fill()


def judge_of(module: str) -> Any:
    """Return what judges a case under the tool that runs here."""
    from tests.nplusone.accuracy.marks import of_alerts
    from tests.nplusone.judge import undone

    tool = import_module(f"{PACKAGE}.accuracy.{module}")
    if module == "perfkit_says":
        return tool.judged

    def judged(case: Any) -> Any:
        with undone(case):
            if case.prepare is not None:
                case.prepare()
            alerts = tool.says(case.run)
        return of_alerts(case, alerts)

    return judged


def cases() -> list[Any]:
    """Return every case of the corpus, by id; those that commit come last, as they refill the tables."""
    from tests.nplusone import must_flag, must_not_flag

    found = (*must_flag.CASES, *must_not_flag.CASES)
    return sorted(found, key=lambda case: (case.commits, not case.kind, case.id))


if __name__ == "__main__":
    main()
