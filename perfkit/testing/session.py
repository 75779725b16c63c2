"""Collects what the tests' reports carry, and tells it at the end: on screen and in files.

Registered in the process that prints only; under pytest-xdist that one runs no tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from perfkit.acceptance.accepted import Acceptance, matched
from perfkit.conf import get_settings
from perfkit.report.baseline import BadBaseline, Baseline, write
from perfkit.report.sarif import to_sarif, within
from perfkit.report.stale import Stale, own_folders, stale
from perfkit.testing.choice import Choice
from perfkit.testing.ledger import Ledger
from perfkit.testing.summary import summary

#: The attribute of a test's report that carries what the test did.
CARRIED = "perfkit"


class Session:
    """One run of pytest.

    Args:
        config: pytest's.
        chosen: the options.
        baseline: known findings, if there is a file of them.
    """

    def __init__(self, config: pytest.Config, chosen: Choice, baseline: Baseline | None) -> None:
        self._config = config
        self._choice = chosen
        self._baseline = baseline
        self._ledger = Ledger(baseline)
        self._errors: list[str] = []
        self._deselected = False
        #: Whether all tests ran: a part of them says nothing about what is not found.
        self._is_whole = False

    def pytest_report_header(self) -> str:
        """Say that the tests are recorded."""
        return f"perfkit: {self._choice.mode}"

    def pytest_deselected(self) -> None:
        """Remember that not all tests run."""
        self._deselected = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take over what a test did."""
        if carried := getattr(report, CARRIED, None):
            self._ledger.add(report.nodeid, carried)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Add up, and write the files."""
        options = self._config.option
        if options.collectonly:
            return
        self._is_whole = not (
            self._deselected
            or options.keyword
            or options.markexpr
            or getattr(options, "lf", False)
            or self._config.args_source is pytest.Config.ArgsSource.ARGS
            or (options.maxfail and session.testsfailed)
            or session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        )
        if apps.ready:
            self._ledger.note_unused(Acceptance(get_settings().ignore))
            self._ledger.accepted.update(matched())
        version = sys.modules["perfkit"].__version__  # nothing inside the package imports its root
        rows = self._ledger.ordered("new", "known")
        known = {row.finding.fingerprint for row in rows if row.known}
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "json": lambda: self._ledger.to_json(version),
            "sarif": lambda: to_sarif(
                [row.finding for row in rows],
                version,
                within(self._config.rootpath),
                known if self._baseline else None,
            ),
        }
        for name, make in makers.items():
            if name in self._choice.files:
                self._write(self._choice.files[name], make())
        if "write-baseline" in self._choice.files:
            try:
                warnings = [row.finding for row in rows if row.finding.severity == "warning"]
                write(str(self._choice.files["write-baseline"]), warnings)
            except BadBaseline as error:
                self._errors.append(str(error))
        if self._errors and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def _write(self, file: Path, content: dict[str, Any]) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # A file name that is no text becomes an escape that JSON reads.
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self._errors.append(f"{file} cannot be written: {error.strerror}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the section."""
        write_line = terminalreporter.write_line
        if self._ledger.tests or self._errors:
            terminalreporter.write_sep("=", "perfkit")
        if self._ledger.tests:
            occurred = set(self._ledger.rows)
            gone = self._baseline.gone(occurred) if self._baseline and self._is_whole else ()
            for line in summary(self._ledger, gone, self._stale() if self._is_whole else ()):
                write_line(line)
        for error in self._errors:
            write_line(error, red=True)

    def _stale(self) -> list[Stale]:
        if not apps.ready:
            return []
        settings = get_settings()
        return list(stale(self._ledger.accepted, settings.ignore, own_folders(settings)))
