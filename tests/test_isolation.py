"""Our own failures: kept away from the site, told once, counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from perfkit.isolation import failures, isolated, report_failure


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Begin without failures, and leave none."""
    failures.clear()
    yield
    failures.clear()


def test_a_failure_ends_in_the_block() -> None:
    """What follows goes on."""
    with isolated("a part"):
        raise ValueError("of ours")
    assert failures == {"a part": 1}


def test_each_part_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A sink that fails at every flush writes one line with its name and its traceback."""
    for _ in range(3):
        with isolated("store sink"):
            raise ValueError("full")
        with isolated("statsd sink"):
            raise OSError("no such host")
    assert [record.getMessage().split(" failed")[0] for record in caplog.records] == [
        "perfkit: store sink",
        "perfkit: statsd sink",
    ]
    assert {record.name for record in caplog.records} == {"perfkit"}
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert "ValueError: full" in caplog.text
    assert failures == {"store sink": 3, "statsd sink": 3}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_failure_passes(error: type[BaseException]) -> None:
    """A process that is told to stop stops."""
    with pytest.raises(error), isolated("a part"):
        raise error
    assert not failures


def test_a_block_that_succeeds_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is counted and nothing logged."""
    with isolated("a part"):
        pass
    assert not failures
    assert caplog.records == []


def test_reporting_counts_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    """Where a `with` block costs too much, the except clause reports by itself."""
    report_failure("begin", ValueError("x"))
    report_failure("begin", ValueError("y"))
    assert failures["begin"] == 2
    assert len(caplog.records) == 1
