"""Records tests and judges them: the hooks that pytest calls once anybody has asked for it.

Under pytest-xdist it works in the processes that run tests; their reports carry what was found to
the one that prints.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps

from perfkit import hooks
from perfkit.acceptance.accepted import forget, matched
from perfkit.report.baseline import BadBaseline, Baseline, read
from perfkit.testing.choice import FAIL, Choice
from perfkit.testing.expectation import NAME, BadMark, expectation
from perfkit.testing.ledger import packed
from perfkit.testing.recording import Outcome, Paused, costliest, running
from perfkit.testing.session import CARRIED
from perfkit.testing.target import recorded
from perfkit.testing.watch import Watch
from perfkit.testing.wording import statements_text, told

if TYPE_CHECKING:
    from perfkit.recording import record

_WATCH = pytest.StashKey[Watch]()


class Recorder:
    """The tests of one process.

    Args:
        choice: the options; where they are off, only tests that ask by themselves are recorded.
        block: ``perfkit.record``, for the fixture.

    Raises:
        pytest.UsageError: there is no such baseline.
    """

    def __init__(self, choice: Choice, block: type[record]) -> None:
        self._choice = choice
        self._block = block
        self.baseline = _baseline(choice)
        #: Keys of rules and comments that the tests' reports have told of already.
        self._accepted: set[str] = set()
        forget()

    def watch(self, item: pytest.Item) -> Watch:
        """Make what the fixture gives to a test."""
        if not apps.ready:
            pytest.skip("the perfkit fixture needs Django's settings")
        watch = item.stash[_WATCH] = self._new_watch(item)
        return watch

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Hook every connection as it is opened, in whatever thread a test's fixtures do so."""
        if apps.ready:
            hooks.install()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record a test's function, and judge the test where it passes."""
        watch = self._watch_at_call(item)
        if watch is None or not isinstance(item, pytest.Function):
            return (yield)
        with recorded(item, watch):
            result = yield
        outcomes = watch.outcomes()
        problems = [*_too_many(watch, outcomes), *self._not_allowed(watch, outcomes)]
        if problems:
            pytest.fail("\n\n".join(problems), pytrace=False)
        return result

    def _watch_at_call(self, item: pytest.Item) -> Watch | None:
        """Return what records the test: the fixture's, else one for the option or the marker."""
        watch = item.stash.get(_WATCH, None)
        if watch is not None and not watch.begun:
            return watch
        marked = item.get_closest_marker(NAME) is not None
        if not apps.ready or not (self._choice.on or marked):
            return None
        watch = self._new_watch(item)
        if not self._choice.on and watch.expectation.max_queries is None:
            return None
        item.stash[_WATCH] = watch
        return watch

    def _new_watch(self, item: pytest.Item) -> Watch:
        try:
            return Watch(expectation(item.iter_markers(NAME)), self._block)
        except BadMark as error:
            pytest.fail(str(error), pytrace=False)

    def _not_allowed(self, watch: Watch, outcomes: list[Outcome]) -> Iterator[str]:
        if self._choice.mode != FAIL:
            return
        found = [
            finding
            for finding in costliest(each for outcome in outcomes for each in outcome.findings)
            if finding.severity == "warning"
            and not watch.expectation.allows(finding)
            and not (self.baseline and self.baseline.knows(finding))
        ]
        if found:
            yield "perfkit finds what this test does not allow:"
            yield from map(told, found)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, Any, Any]:
        """Leave a fixture out that a test asks for in its middle."""
        if running() is None:
            return (yield)
        with Paused():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a test's report carry what the test did."""
        report = yield
        watch = item.stash.get(_WATCH, None) if call.when == "call" else None
        if watch is None or not self._choice.on:
            return report
        outcomes = watch.outcomes()
        if outcomes or watch.failed:
            accepted = set(matched()) - self._accepted
            self._accepted |= accepted
            text = packed(outcomes, watch.expectation, accepted, failed=watch.failed)
            setattr(report, CARRIED, text)
        return report


def _baseline(choice: Choice) -> Baseline | None:
    if not choice.on or "baseline" not in choice.files:
        return None
    try:
        return read(str(choice.files["baseline"]))
    except BadBaseline as error:
        raise pytest.UsageError(f"--perfkit-baseline: {error}") from None


def _too_many(watch: Watch, outcomes: list[Outcome]) -> Iterator[str]:
    most = watch.expectation.max_queries
    worst = max(outcomes, key=lambda outcome: outcome.statements, default=Outcome())
    if most is not None and worst.statements > most:
        yield statements_text(worst.records, most)
