"""``manage.py perfdash``: put the Graphite dashboards in place, check their targets, mark deploys."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import DatabaseError

from perfkit.conf import get_settings
from perfkit.dashboards.built import Dashboards, build
from perfkit.dashboards.check import Answer, evaluate, of_grafana, of_graphite_web
from perfkit.dashboards.server import GraphiteError, GraphiteWeb
from perfkit.errors import StoreError
from perfkit.store.marks import add_mark

NAME = "perfdash"

#: Exit statuses beside 0.
FAILED = 1
REFUSED = 2

#: graphite-web keeps the name as a key of 128 characters, and its URLs take no slash in it.
_NAME = re.compile(r"[^/\x00-\x1f]{1,128}")
_AGE = re.compile(r"[1-9][0-9]{0,5}(min|h|d|w)")
_MARK_LIMIT = 200


class Command(BaseCommand):
    """Installs the dashboards, checks them, marks deploys.

    Exit status 0; 1 when a target has no data or cannot be evaluated; 2 for a bad option, and where graphite-web or
    the store does not do what it is asked.
    """

    help = "Put the dashboards into Graphite and Grafana, check that every target has data, mark deploys."
    # It must work where the site's own checks fail, too.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that refuses a bad option with one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        vars(parser)["error"] = self._refuse
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what can be done, each with its options."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="install|check|deploy"
        )
        install = actions.add_parser("install", help="save the dashboard in graphite-web")
        install.add_argument(
            "--grafana",
            metavar="FILE",
            help="write Grafana's JSON to this file too; - is the output",
        )
        check = actions.add_parser("check", help="evaluate every target of both dashboards")
        check.add_argument(
            "--since",
            default="1h",
            help="how far back there must be data: 30min, 6h, 2d; default 1h",
        )
        check.add_argument("--json", action="store_true", help="print JSON")
        check.add_argument(
            "--strict",
            action="store_true",
            help="also fail for a series that is absent, such as server errors where there was none",
        )
        deploy = actions.add_parser("deploy", help="mark a deploy, now")
        deploy.add_argument("what", help='its name, such as "v1.2"')
        for action in (install, check, deploy):
            action.add_argument(
                "--url", help="where graphite-web answers; default PERFKIT['GRAPHITE_URL']"
            )
            vars(action)["error"] = self._refuse
        for action in (install, check):
            action.add_argument("--name", default="", help="of the dashboard; default the prefix")

    def handle(self, *args: Any, **given: Any) -> None:
        """Do what was asked for."""
        try:
            {"install": self._install, "check": self._check, "deploy": self._deploy}[
                given["action"]
            ](given)
        except (GraphiteError, StoreError, DatabaseError, OSError) as error:
            self._refuse(" ".join(str(error).split()))

    def _install(self, given: dict[str, Any]) -> None:
        dashboards = self._built(given)
        url, file = self._url(given), given["grafana"]
        if url is None and not file:
            self._refuse("install: set PERFKIT['GRAPHITE_URL'] or give --url or --grafana FILE")
        told = self.stderr if file == "-" else self.stdout
        if url is not None:
            server, name = GraphiteWeb(url), dashboards.graphite_web["name"]
            server.save(name, dashboards.graphite_web)
            if server.load(name) != dashboards.graphite_web:
                self._refuse(f"install: {server.url} gives back another dashboard than was saved")
            told.write(f"graphite-web: {server.url}/dashboard/{name}")
        if file:
            text = json.dumps(dashboards.grafana, indent=2)
            if file == "-":
                self.stdout.write(text)
            else:
                Path(file).write_text(text + "\n", encoding="utf-8")
                told.write(f"Grafana: {file} (Dashboards, New, Import)")

    def _check(self, given: dict[str, Any]) -> None:
        if not _AGE.fullmatch(given["since"]):
            self._refuse(f"check: --since {given['since']!r} is no age such as 30min, 6h or 2d")
        server = GraphiteWeb(self._needed_url(given))
        dashboards = self._built(given)
        name = dashboards.graphite_web["name"]
        installed = server.load(name)
        asked = [
            *of_graphite_web(installed or dashboards.graphite_web),
            *of_grafana(dashboards.grafana),
        ]
        answers = list(evaluate(server, asked, f"-{given['since']}"))
        failed = [each for each in answers if not each.passes(strict=given["strict"])]
        notes = []
        if installed is None:
            notes.append(f"no dashboard {name!r} is installed: run perfdash install")
        elif installed != dashboards.graphite_web:
            notes.append(f"the installed dashboard {name!r} is another than this perfkit's")
        if given["json"]:
            self._write_json(answers, failed, notes)
        else:
            self._write_table(answers, failed, notes)
        if failed:
            self._end(f"check: {len(failed)} of {len(answers)} targets failed", FAILED)

    def _deploy(self, given: dict[str, Any]) -> None:
        what, at = given["what"].strip(), time()
        if not what.isprintable() or not 0 < len(what) <= _MARK_LIMIT:
            self._refuse(f"deploy: a name is 1 to {_MARK_LIMIT} printable characters")
        settings, url = get_settings(), self._url(given)
        if settings.store is None and url is None:
            self._refuse("deploy: there is no store and no PERFKIT['GRAPHITE_URL'] to mark it in")
        if settings.store is not None:
            add_mark(settings.store, what, at)
            self.stdout.write(f"store: {what}")
        if url is not None:
            server = GraphiteWeb(url)
            server.mark(what, ("deploy", self._built(given).deploy_tag), at)
            self.stdout.write(f"Graphite event: {what}")

    def _built(self, given: dict[str, Any]) -> Dashboards:
        name = given.get("name", "")
        if name and not _NAME.fullmatch(name):
            self._refuse(f"--name {name!r} is not 1 to 128 characters without a slash")
        return build(get_settings(), name)

    def _url(self, given: dict[str, Any]) -> str | None:
        url: str | None = given["url"] or get_settings().graphite_url
        if url is not None and not url.startswith(("http://", "https://")):
            self._refuse(f"--url {url!r} does not begin with http:// or https://")
        return url

    def _needed_url(self, given: dict[str, Any]) -> str:
        url = self._url(given)
        if url is None:
            self._refuse(f"{given['action']}: set PERFKIT['GRAPHITE_URL'] or give --url")
        return url

    def _write_json(
        self, answers: Sequence[Answer], failed: Sequence[Answer], notes: list[str]
    ) -> None:
        told = {
            "targets": [{**each.to_dict(), "passed": each not in failed} for each in answers],
            "failed": len(failed),
            "notes": notes,
        }
        self.stdout.write(json.dumps(told, indent=2))

    def _write_table(
        self, answers: Sequence[Answer], failed: Sequence[Answer], notes: list[str]
    ) -> None:
        wide = max(len(each.asked.panel) for each in answers)
        for each in answers:
            verdict = "FAILED" if each in failed else "ok    " if each.has_data else "none  "
            said = f"{each.series:3} series {each.points:6} values" if not each.error else ""
            self.stdout.write(
                f"{verdict} {each.asked.dashboard:12} {each.asked.panel:{wide}} {said}".rstrip()
            )
            if each.error:
                self.stdout.write(f"         {each.error}")
            elif each in failed:
                self.stdout.write(f"         {each.asked.target}")
            for selector in each.absent:
                self.stdout.write(f"         nothing yet: {selector}")
        for note in notes:
            self.stdout.write(f"note: {note}")
        data = sum(each.has_data for each in answers)
        self.stdout.write(f"{data} of {len(answers)} targets have data, {len(failed)} failed.")

    def _refuse(self, message: str) -> NoReturn:
        self._end(message, REFUSED)

    def _end(self, message: str, status: int) -> NoReturn:
        """Say why in one line and end; raise for a caller in Python."""
        if not getattr(self, "_called_from_command_line", False):
            raise CommandError(message, returncode=status)
        self.stderr.write(f"{NAME}: {message}")
        raise SystemExit(status)
