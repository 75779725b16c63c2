"""``manage.py perfcache``: one route's caching in full, or what a log of requests would have come to."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from time import time
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import DatabaseError

from perfkit.caching.backend import BackendFacts
from perfkit.caching.whatif import Log, WhatIf, what_if
from perfkit.conf import get_settings
from perfkit.errors import StoreError, StoreMissing
from perfkit.report.cache_file import BadFile, opened
from perfkit.report.cache_load import CacheReport, load_cache
from perfkit.report.cache_route import policies, route_in_full
from perfkit.report.cache_text import section
from perfkit.report.cache_whatif import whatif_json, whatif_lines
from perfkit.report.progress import progress
from perfkit.report.window import BadOption, parse_since
from perfkit.report.wording import printable

NAME = "perfcache"
FORMATS = ("text", "json")
DEFAULT_SINCE = "7d"

REFUSED = 2
_MOST_NAMED = 10


class Command(BaseCommand):
    """Prints advice on caching. Exit status 0; 2 for a bad option, file or store, or an unknown route."""

    help = (
        "Say whether a route can be cached, how, for how long, what that saves and what it risks; "
        "or, from a log of requests, how many would have found an entry."
    )
    # As with perfreport: it must work in a site whose checks fail, too.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that refuses a bad option with one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        vars(parser)["error"] = self._refuse
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "route", nargs="*", help="labels of routes, or parts of them; all in short without one"
        )
        parser.add_argument(
            "--since", help=f"window: an age, an ISO date, all; default {DEFAULT_SINCE}"
        )
        parser.add_argument("--format", help=f"{' or '.join(FORMATS)}; default text")
        parser.add_argument(
            "--what-if",
            metavar="FILE",
            help="a log instead of the store: combined format, or tab-separated columns with time, "
            "method, url and response; .gz too",
        )

    def handle(self, *args: Any, **given: Any) -> None:
        """Read, judge, print."""
        form = given.get("format") or "text"
        wanted = tuple(given.get("route") or ())
        if form not in FORMATS:
            self._refuse(f"--format {form!r} is not one of {', '.join(FORMATS)}")
        if name := given.get("what_if"):
            if wanted or given.get("since"):
                self._refuse("--what-if reads all of a log: it takes no route and no --since")
            told = self._what_if(str(name))
            self._print(
                json.dumps(whatif_json(told), indent=2)
                if form == "json"
                else "\n".join(map(printable, whatif_lines(told)))
            )
            return
        report = self._load(given.get("since") or DEFAULT_SINCE, wanted)
        if wanted and report.routes and not report.advice:
            known = sorted(report.routes)
            more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
            named = ", ".join(map(printable, known[:_MOST_NAMED]))
            self._refuse(
                f"no route is or has {' or '.join(map(repr, wanted))}; known: {named}{more}"
            )
        self._print(_as_json(report, wanted) if form == "json" else _as_text(report, wanted))

    def _load(self, since: str, wanted: tuple[str, ...]) -> CacheReport:
        settings = get_settings()
        if settings.store is None:
            self._refuse("there is no store: PERFKIT['STORE'] is False")
        try:
            begin = parse_since(since, time())
            return load_cache(settings, begin or 0, most=None, wanted=wanted)
        except StoreMissing as error:
            # A site has one from its first request on.
            return CacheReport((), (str(error),), BackendFacts())
        except BadOption as error:
            self._refuse(str(error))
        except (StoreError, DatabaseError, ImproperlyConfigured, OSError) as error:
            self._refuse(f"the store cannot be read: {' '.join(str(error).split())}")

    def _what_if(self, name: str) -> WhatIf:
        log = Log()
        try:
            with opened(name) as file, progress(sys.stderr, "Reading the log") as told:
                found = what_if(log, file.lines(told))
        except BadFile as error:
            self._refuse(f"--what-if {name!r} cannot be read: {error}")
        if not found.visits:
            self._refuse(
                f"--what-if {name!r} has no line in the combined format, nor tab-separated columns "
                f"with time, method, url and response ({found.bad_lines:,} lines were read)"
            )
        return found

    def _print(self, text: str) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            text = text.replace("█", "#").encode("ascii", "backslashreplace").decode()
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError as error:
            # Python's own flush at exit must not meet the same output again.
            sys.stdout = None
            if isinstance(error, BrokenPipeError):  # `perfcache | head` has what it wants
                raise SystemExit(0) from None
            self._refuse(f"the advice cannot be written: {error.strerror}")

    def _refuse(self, message: str) -> NoReturn:
        """Say why in one line and end; raise for a caller in Python."""
        if not getattr(self, "_called_from_command_line", False):
            raise CommandError(f"{NAME}: {message}", returncode=REFUSED)
        self.stderr.write(f"{NAME}: {message}")
        raise SystemExit(REFUSED)


def _as_json(report: CacheReport, wanted: tuple[str, ...]) -> str:
    told = []
    for each in report.advice:
        plain = each.to_json()
        if wanted:
            plain["table"] = policies(report, each)
        told.append(plain)
    return json.dumps({"cache": told, "notes": list(report.notes)}, indent=2)


def _as_text(report: CacheReport, wanted: tuple[str, ...]) -> str:
    lines: list[str] = []
    if wanted:
        for each in report.advice:
            lines += route_in_full(each, policies(report, each))
    else:
        lines += section(report.advice, len(report.advice))
    lines += [f"note: {note.rstrip('.')}." for note in report.notes]
    if not report.advice:
        lines.append("Nothing is known of any route yet.")
    return "\n".join(map(printable, lines))
