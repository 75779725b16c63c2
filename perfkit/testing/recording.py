"""Records one run of a test: its own statements, and each request and task of it by itself.

Two requests that run through the same line are no loop, though the test that makes them may be
one; so each is analyzed alone, as it would be on the site.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import Token
from dataclasses import dataclass, replace
from time import perf_counter, time
from typing import Any, Self

from perfkit import hooks
from perfkit.analysis import analyze
from perfkit.capture.current import Trace, current
from perfkit.conf import Settings, get_settings
from perfkit.record import Finding, RequestRecord
from perfkit.snapshot import from_trace
from perfkit.testing.data import makes_data


class OwnTrace(Trace):
    """The test's own statements; requests and tasks recorded inside it are kept apart."""

    __slots__ = ("units",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.max_queries, settings.slow_query_ms / 1000)
        self.units: list[Unit] = []

    def absorb(self, inner: Trace, apart: bool = False) -> None:
        """Keep a request or a task by itself, and take over what any other block has seen."""
        if apart or inner.of_request:
            self.units.append(Unit(inner))
        else:
            super().absorb(inner)


class Unit:
    """One request or task inside a test.

    Attributes:
        trace: its statements.
        facts: fields of its record, as far as they are known.
    """

    __slots__ = ("facts", "trace")

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.facts: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a test did.

    Attributes:
        records: the test's own statements, then each request in the order they were answered.
        findings: of all of them, each once.
    """

    records: tuple[RequestRecord, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def statements(self) -> int:
        """How many statements ran, transactions not counted."""
        return sum(record.statements for record in self.records)


class Recording:
    """Records while it is entered; ``outcome()`` may be asked at any time.

    It is entered in the very coroutine or function of the test: runners of async tests give it a
    context of its own, in which a variable set outside would not be seen.

    Args:
        test_file: where the test is, as a ``Site`` names it.
    """

    def __init__(self, test_file: str = "") -> None:
        hooks.install()
        self._test_file = test_file
        self._settings = get_settings()
        self._trace = OwnTrace(self._settings)
        self._token: Token[Trace | None] | None = None
        self._started = self._started_at = self._ended = 0.0
        self._aborted = False
        self._final: Outcome | None = None

    def __enter__(self) -> Self:
        global _running
        self._outer, _running = _running, self
        self._started_at, self._started = time(), perf_counter()
        self._token = current.set(self._trace)
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        global _running
        self._ended = perf_counter()
        self._aborted = kind is not None
        if self._token is not None:
            current.reset(self._token)
        _running = self._outer
        for trace in self._traces():
            trace.closed = True
            hooks.report_failures(trace)

    def begin_unit(self) -> tuple[Unit, Token[Trace | None]] | None:
        """Start a request of this test; None where it is part of something recorded by itself."""
        outer = current.get()
        # Without one it is a thread's: that of a live server.
        if outer is not None and outer is not self._trace:
            return None
        unit = Unit(hooks.new_trace(self._settings))
        self._trace.units.append(unit)
        return unit, current.set(unit.trace)

    def outcome(self) -> Outcome:
        """Analyze what was recorded so far."""
        if self._final is not None:
            return self._final
        ended = self._ended or perf_counter()
        facts = {
            "started_at": self._started_at,
            "duration_ms": (ended - self._started) * 1000,
            "aborted": self._aborted,
        }
        known = [(self._trace, facts), *((unit.trace, unit.facts) for unit in self._trace.units)]
        own, *others = (
            analyze(from_trace(trace, self._started, **facts), self._settings)
            for trace, facts in known
        )
        own = replace(own, findings=tuple(filter(self._is_told, own.findings)))
        records = (own, *others)
        outcome = Outcome(
            records, costliest(finding for each in records for finding in each.findings)
        )
        if self._ended:
            self._final = outcome
        return outcome

    def _is_told(self, finding: Finding) -> bool:
        # A test looks again at what its requests have changed, which only their records tell.
        again = finding.kind == "duplicate_query" and self._trace.units
        return not again and not makes_data(finding, self._test_file)

    def _traces(self) -> list[Trace]:
        return [self._trace, *(unit.trace for unit in self._trace.units)]


_running: Recording | None = None


def running() -> Recording | None:
    """Return the recording of the test that runs in this process."""
    return _running


class Paused:
    """Keeps what runs inside out of the test's recording: a fixture asked for in its middle."""

    def __enter__(self) -> None:
        global _running
        self._outer, _running = _running, None
        self._token = current.set(None)

    def __exit__(self, *exception: object) -> None:
        global _running
        current.reset(self._token)
        _running = self._outer


def costliest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, as it was where it covers the most statements."""
    by_name: dict[str, Finding] = {}
    for finding in findings:
        known = by_name.get(finding.fingerprint)
        if known is None or _weight(finding) > _weight(known):
            by_name[finding.fingerprint] = finding
    return tuple(by_name.values())


def _weight(finding: Finding) -> tuple[bool, int]:
    return finding.severity == "warning", finding.count
