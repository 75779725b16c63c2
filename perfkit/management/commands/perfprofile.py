"""``manage.py perfprofile CMD ...``: profile another command, print where its time went, keep the capture."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final, NoReturn

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import DatabaseError

from perfkit.conf import get_settings
from perfkit.errors import StoreError
from perfkit.profiled import profiled
from perfkit.profiling.capture import COMMAND, CPROFILE, ENGINES, SAMPLER, Capture
from perfkit.profiling.export import ExportRefusedError, exported, formats_of
from perfkit.profiling.fitness import why_not
from perfkit.profiling.times import frame_times
from perfkit.report.wording import printable
from perfkit.store import captures

NAME: Final = "perfprofile"
REFUSED: Final = 2

#: Endings of a file -> the format that it is written in.
_ENDINGS: Final = {
    ".speedscope.json": "speedscope",
    ".pyisession": "pyinstrument",
    ".pstats": "pstats",
    ".prof": "pstats",
    ".txt": "collapsed",
    ".collapsed": "collapsed",
    ".json": "json",
}


class Command(BaseCommand):
    """Profiles another command.

    The exit status is the command's own; 2 for a bad option, before anything has run. What the command
    prints goes where it goes; the table goes to the standard error output.
    """

    help = (
        "Profile another management command: manage.py perfprofile [options] COMMAND [its options]."
    )
    # The command that is profiled runs its own.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that refuses a bad option with one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        vars(parser)["error"] = self._refuse
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options, and all that belongs to the command."""
        parser.add_argument("--engine", choices=ENGINES, default=SAMPLER, help="default sampler")
        parser.add_argument(
            "--output",
            metavar="FILE",
            help=f"write the profile to a file too; its ending names the format: {', '.join(_ENDINGS)}",
        )
        parser.add_argument("--rows", type=int, default=15, help="of the table; default 15")
        parser.add_argument("command", metavar="COMMAND", help="the command to profile")
        parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="what it takes")

    def handle(self, *args: Any, **given: Any) -> None:
        """Run the command, tell what was seen, and leave as it did."""
        name, engine, file = given["command"], given["engine"], given["output"]
        found = get_commands().get(name)
        if found is None:
            self._refuse(f"there is no command {name!r}")
        if name == NAME:
            self._refuse(f"{NAME} does not profile itself")
        if reason := why_not(engine):
            self._refuse(reason)
        format_name = _format_of(file, engine) if file else ""
        if file and not format_name:
            fitting = ", ".join(
                ending for ending, each in _ENDINGS.items() if each in formats_of(engine)
            )
            self._refuse(f"--output {file!r}: with {engine} its ending can be {fitting}")
        command = load_command_class(found, name)
        block = profiled(f"manage.py {name}", engine, COMMAND)
        status: Any = 0
        try:
            with block:
                command.run_from_argv(["manage.py", name, *given["rest"]])
        except SystemExit as leaving:
            status = leaving.code
        finally:
            self._tell(block, file, format_name, given["rows"])
        if status not in (None, 0):
            sys.exit(status)

    def _tell(self, block: profiled, file: str | None, format_name: str, rows: int) -> None:
        """Print the table, write the file, store the capture; what fails is told and changes no status."""
        capture = block.capture
        if capture is None:
            self.stderr.write(f"{NAME}: not profiled: {block.refused}")
            return
        for line in table(capture, rows):
            self.stderr.write(line)
        if file:
            try:
                Path(file).write_bytes(exported(capture, format_name).content)
                self.stderr.write(f"written to {file}")
            except (OSError, ExportRefusedError) as error:
                self.stderr.write(f"{NAME}: {file} was not written: {error}")
        settings = get_settings()
        if settings.store is None or not settings.captures:
            return
        try:
            captures.save(settings.store, capture, settings)
            self.stderr.write(f"kept as {capture.id}")
        except (DatabaseError, StoreError, OSError) as error:
            self.stderr.write(f"{NAME}: not kept: {' '.join(str(error).split())}")

    def _refuse(self, message: str) -> NoReturn:
        raise CommandError(f"{NAME}: {message}", returncode=REFUSED)


def table(capture: Capture, rows: int) -> list[str]:
    """Return the functions that took longest by themselves, as lines of text.

    Args:
        capture: what was seen.
        rows: functions at most.
    """
    profile = capture.profile
    statements = f"{capture.record.get('statements', 0):,} statements"
    name = printable(capture.name)
    lines = [f"{name}: {capture.duration_ms:,.0f} ms, {statements}, by {capture.engine}"]
    if capture.engine == CPROFILE:
        counts = sorted(profile.calls, key=lambda each: -each.own_ms)[:rows]
        lines.append(f"{'own ms':>10} {'total ms':>10} {'calls':>10}  function")
        for each in counts:
            where = _where(profile.frames[each.frame])
            lines.append(
                f"{each.own_ms:>10,.1f} {each.total_ms:>10,.1f} {each.calls:>10,}  {where}"
            )
    else:
        times = sorted(frame_times(profile).items(), key=lambda each: -each[1].own.ms)[:rows]
        lines.append(f"{'own ms':>10} {'total ms':>10} {'samples':>10}  function")
        for at, time in times:
            where = _where(profile.frames[at])
            figures = f"{time.own.ms:>10,.1f} {time.total.ms:>10,.1f} {time.own.samples:>10,}"
            lines.append(f"{figures}  {where}")
    return [*lines, *(f"note: {printable(note)}" for note in profile.notes)]


def _where(frame: Any) -> str:
    place = f"{frame.file}:{frame.line} " if frame.file else ""
    return printable(f"{place}{frame.function}")


def _format_of(file: str, engine: str) -> str:
    name = next((each for ending, each in _ENDINGS.items() if file.lower().endswith(ending)), "")
    return name if name in formats_of(engine) else ""
