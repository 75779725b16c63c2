"""``manage.py perfreport``: what the store holds, in every form, and an exit status for CI."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep, time
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from perfkit.conf import Settings, get_settings
from perfkit.report.arguments import add_arguments
from perfkit.report.baseline import BadBaseline, write
from perfkit.report.forms import Form, Output, form_of
from perfkit.report.load import load
from perfkit.report.model import ReportModel
from perfkit.report.nagios.answer import UNKNOWN, is_asked, unknown
from perfkit.report.options import Options, parse
from perfkit.report.progress import progress
from perfkit.report.verdict import failures
from perfkit.report.window import BadOption
from perfkit.report.wording import counted, printable

NAME = "perfreport"

#: Exit statuses beside 0, and beside those of a monitoring plugin.
MATCHED = 1
REFUSED = 2


class Command(BaseCommand):
    """Prints the report.

    Exit status 0; 1 when ``--fail-on`` matches, and when ``--stale`` finds any; 2 for a bad option
    or file, and for a store that is there but cannot be read. With ``--format nagios`` the status
    is a plugin's: 0, 1, 2, and 3 for whatever keeps it from an answer.
    """

    help = (
        "Show what is slow: routes by the time they cost, and findings by what fixing them saves, "
        "with the lines of code to change."
    )
    # A report must come out of a site whose checks fail, too.
    requires_system_checks: list[str] = []
    _is_plugin = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program; a monitoring system must be answered even when the options are bad."""
        self._is_plugin = is_asked(argv)
        super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that refuses a bad option with one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        vars(parser)["error"] = self._refuse
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options; all are text here and checked in ``perfkit.report.options``."""
        add_arguments(parser)

    def handle(self, *args: Any, **given: Any) -> None:
        """Read, print, judge."""
        self._is_plugin = given.get("format") == "nagios"
        try:
            self._report(get_settings(), given)
        except BadOption as error:
            self._refuse(str(error))
        except Exception as error:
            # Python would end with 1, which a monitoring system takes for a warning.
            if not self._is_plugin:
                raise
            self._refuse(f"{type(error).__name__}: {error}")

    def _report(self, settings: Settings, given: dict[str, Any]) -> None:
        options = self._options(settings, given)
        if options.watch:
            self._watch(settings, given, options.watch)
            return
        with progress(sys.stderr, "Reading the store") as told:
            model = load(settings, options, told)
        if options.stale:
            self._tell_stale(model, settings)
            return
        form = self._form(model, given)
        self._write(form.text)
        if form.status:
            raise SystemExit(form.status)
        if not model.readable:
            self._end(model.notes[-1], REFUSED)
        if options.write_baseline:
            self._write_baseline(model)
        if found := failures(model):
            self._end(f"--fail-on: {', '.join(found)}", MATCHED)

    def _options(self, settings: Settings, given: dict[str, Any]) -> Options:
        own_analyzers = any(not path.startswith("perfkit.") for path in settings.analyzers)
        return parse(given, time(), own_analyzers)

    def _form(self, model: ReportModel, given: dict[str, Any]) -> Form:
        color = True if given.get("force_color") else False if given.get("no_color") else None
        # The root package holds the version, and nothing inside it may import the root.
        return form_of(model, sys.modules["perfkit"].__version__, Output(self.stdout, color))

    def _watch(self, settings: Settings, given: dict[str, Any], interval_s: float) -> None:
        from perfkit.report.watch import watch

        def report() -> str:
            model = load(settings, self._options(settings, given))
            return self._form(model, given).text

        # What keeps a picture in place ends no line by itself.
        self.stdout.ending = ""
        with self._writing():
            watch(report, self.stdout, lambda: sleep(interval_s))

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
        with self._writing():
            self.stdout.write(text)
            self.stdout.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
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
            raise CommandError(message, returncode=UNKNOWN if self._is_plugin else status)
        if self._is_plugin:
            # A plugin speaks on standard output; what cannot be written there has its status still.
            if sys.stdout is not None:
                self.stdout.write(unknown(message).text)
            raise SystemExit(UNKNOWN)
        self.stderr.write(f"{NAME}: {message}")
        raise SystemExit(status)
