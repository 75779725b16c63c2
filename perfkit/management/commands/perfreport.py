"""``manage.py perfreport``: what the store holds, as text or JSON, and an exit status for CI."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from time import time
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from perfkit.conf import Settings, get_settings, project_folder
from perfkit.report.baseline import BadBaseline, write
from perfkit.report.json import to_json
from perfkit.report.load import load
from perfkit.report.model import ReportModel
from perfkit.report.options import FORMATS, KINDS, SEVERITIES, SORTS, parse
from perfkit.report.sarif import to_sarif, within
from perfkit.report.verdict import failures
from perfkit.report.window import BadOption
from perfkit.report.wording import counted, printable

NAME = "perfreport"

#: Exit statuses beside 0.
MATCHED = 1
REFUSED = 2


class Command(BaseCommand):
    """Prints the report.

    Exit status 0; 1 when ``--fail-on`` matches, and when ``--stale`` finds any; 2 for a bad option
    or file, and for a store that is there but cannot be read.
    """

    help = (
        "Show what is slow: routes by the time they cost, and findings by what fixing them saves, "
        "with the lines of code to change."
    )
    # A report must come out of a site whose checks fail, too.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that refuses a bad option with one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        vars(parser)["error"] = self._refuse
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options; all are text here and checked in ``perfkit.report.options``."""
        conditions = ", ".join((*KINDS, *SEVERITIES, "any"))
        parser.add_argument(
            "--since", help="window: an age (15m, 2h, 7d), an ISO date or time, all; default 24h"
        )
        parser.add_argument(
            "--route",
            action="append",
            help="show only routes with this text, or the one with this label; may repeat",
        )
        parser.add_argument("--sort", help=f"order of routes: {', '.join(SORTS)}; default total")
        parser.add_argument("--limit", help="routes shown, and findings shown; default 20")
        parser.add_argument("--format", help=f"{' or '.join(FORMATS)}; default text")
        parser.add_argument(
            "--fail-on",
            action="append",
            help=f"exit with status 1 when there is such a finding: {conditions}; may repeat, or "
            "name several with commas",
        )
        parser.add_argument(
            "--baseline",
            metavar="FILE",
            help="leave out the findings of this file, written by --write-baseline; --fail-on "
            "counts new ones only",
        )
        parser.add_argument(
            "--write-baseline",
            metavar="FILE",
            help="write the findings to this file: from then on they are known",
        )
        parser.add_argument(
            "--stale",
            action="store_true",
            help="instead of the report: rules of PERFKIT['IGNORE'] and `perfkit: ok[...]` comments "
            "that accepted nothing; status 1 when there are any; default window 7d",
        )

    def handle(self, *args: Any, **given: Any) -> None:
        """Read, print, judge."""
        settings = get_settings()
        own_analyzers = any(not path.startswith("perfkit.") for path in settings.analyzers)
        try:
            options = parse(given, time(), own_analyzers)
        except BadOption as error:
            self._refuse(str(error))
        model = load(settings, options)
        if options.stale:
            self._tell_stale(model, settings)
            return
        # The root package holds the version, and nothing inside it may import the root.
        version = sys.modules["perfkit"].__version__
        if options.format == "json":
            self._write(json.dumps(to_json(model, version), indent=2))
        elif options.format == "sarif":
            known = set(options.baseline.entries) if options.baseline else None
            log = to_sarif(model.present, version, within(project_folder()), known)
            self._write(json.dumps(log, indent=2))
        else:
            # Only this form needs rich, and importing it takes longer than reading a store.
            from perfkit.report.text import to_text

            color = True if given.get("force_color") else False if given.get("no_color") else None
            self._write(to_text(model, version, self.stdout, color=color))
        if not model.readable:
            self._end(model.notes[-1], REFUSED)
        if options.write_baseline:
            self._write_baseline(model)
        if found := failures(model):
            self._end(f"--fail-on: {', '.join(found)}", MATCHED)

    def _tell_stale(self, model: ReportModel, settings: Settings) -> None:
        # It looks for folders in the app registry, which `--help` does without.
        from perfkit.report.stale import own_folders, stale

        if not model.readable:
            self._end(model.notes[-1], REFUSED)
        if not model.totals.recorded:
            self._end("--stale: no recorded requests in this window to tell it by", REFUSED)
        found = list(stale(model.accepted, settings.ignore, own_folders(settings)))
        requests = counted(model.totals.recorded, "recorded request")
        if found:
            self._write("\n".join(printable(str(each)) for each in found))
            self._end(f"--stale: {len(found)} to remove or to mend, by {requests}", MATCHED)
        self._write(f"Nothing is stale, by {requests}.")

    def _write_baseline(self, model: ReportModel) -> None:
        if not model.totals.requests:
            self._end("--write-baseline: no requests in this window, nothing written", REFUSED)
        file = model.options.write_baseline
        try:
            entries = write(file, model.present)
        except BadBaseline as error:
            self._end(f"--write-baseline: {error}", REFUSED)
        # Standard output holds the report, which may be JSON.
        self.stderr.write(f"{NAME}: {counted(entries, 'finding')} written to {file}")

    def _write(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError as error:
            # Python's own flush at exit must not meet the same output again.
            sys.stdout = None
            if isinstance(error, BrokenPipeError):  # `perfreport | head` has what it wants
                raise SystemExit(0) from None
            self._end(f"the report cannot be written: {error.strerror}", REFUSED)

    def _refuse(self, message: str) -> NoReturn:
        self._end(message, REFUSED)

    def _end(self, message: str, status: int) -> NoReturn:
        """Say why in one line and end; raise for a caller in Python."""
        if not getattr(self, "_called_from_command_line", False):
            raise CommandError(message, returncode=status)
        self.stderr.write(f"{NAME}: {message}")
        raise SystemExit(status)
