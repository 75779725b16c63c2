"""The ``perfkit`` fixture: what the running test has done so far, each run of it recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction, unwrap
from typing import TYPE_CHECKING, Any

from perfkit.capture.places import short_name
from perfkit.isolation import isolated
from perfkit.record import Finding, Query, RequestRecord
from perfkit.testing import requests
from perfkit.testing.expectation import Expectation
from perfkit.testing.recording import Outcome, Recording
from perfkit.testing.wording import statements_text, told

if TYPE_CHECKING:
    from perfkit.recording import record as block


class Watch:
    """Records one test; what it did so far can be read at any time.

    Fixtures and ``setUp`` are not recorded: they make the data, and may loop as they like. A test
    that is run several times for its examples (hypothesis) is told of the last one here.

    Args:
        expectation: the test's markers.
        block: ``perfkit.record``.
    """

    def __init__(self, expectation: Expectation, block: type[block]) -> None:
        self.expectation = expectation
        self._block = block
        self.begun = self.failed = False
        self._file = ""
        self._recording: Recording | None = None
        self._past: list[Outcome] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to change in what ran so far; what the test's marker allows is left out."""
        return tuple(
            finding for finding in self._now().findings if not self.expectation.allows(finding)
        )

    @property
    def queries(self) -> tuple[Query, ...]:
        """The statements so far, in the order they ran; ``path`` counts within ``records``."""
        queries = [query for each in self.records for query in each.queries]
        return tuple(sorted(queries, key=lambda query: query.start_ms))

    @property
    def statements(self) -> int:
        """How many statements ran so far, transactions not counted."""
        return self._now().statements

    @property
    def records(self) -> tuple[RequestRecord, ...]:
        """The test's own record, then that of each request it made."""
        return self._now().records

    def record(self, done: Callable[[RequestRecord], None] | None = None) -> block:
        """Record a block of the test by itself: ``perfkit.record()``, which this name hides."""
        return self._block(done)

    def assert_no_findings(self) -> None:
        """Fail when there is a finding so far, of whatever severity."""
        __tracebackhide__ = True
        if found := self.findings:
            raise AssertionError("\n\n".join(["perfkit has findings:", *map(told, found)]))

    def assert_max_queries(self, most: int) -> None:
        """Fail when more statements than this ran so far."""
        __tracebackhide__ = True
        if self.statements > most:
            raise AssertionError(statements_text(self.records, most))

    def _now(self) -> Outcome:
        if self._recording is None:
            raise RuntimeError(
                "the perfkit fixture records the test itself, which has not begun; in a fixture "
                "use perfkit.record()"
            )
        return self._recording.outcome()

    # What the plugin asks ----------------------------------------------------------------------

    def recorded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a test function or coroutine function, so that each call of it is recorded."""
        self.begun = True
        self._file = _file_of(function)
        requests.install()
        if iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self._run():
                    return await function(*args, **kwargs)

            return run_async

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self._run():
                return function(*args, **kwargs)

        return run

    def _run(self) -> Recording:
        self._past = self.outcomes()
        self._recording = Recording(self._file)
        return self._recording

    def outcomes(self) -> list[Outcome]:
        """Return what each run of the test did; none where its function was never called.

        A failure of ours is no failure of the test: it is logged, and ``failed`` says so.
        """
        self.failed = True
        with isolated("record of a test"):
            outcomes = [*self._past, *([self._recording.outcome()] if self._recording else [])]
            self.failed = False
            return outcomes
        return []


def _file_of(function: Callable[..., Any]) -> str:
    code = getattr(unwrap(function), "__code__", None)
    return short_name(code.co_filename) if code else ""
