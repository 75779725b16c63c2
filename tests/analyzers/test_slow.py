"""slow_query: one statement that alone takes long. Durations are written by hand, never waited."""

from __future__ import annotations

import pytest
from django.test import override_settings

from perfkit import record
from perfkit.analyzers.slow import analyze
from perfkit.conf import get_settings
from perfkit.record import Query, RequestRecord, Site
from tests.library.models import Book

LINE = Site("shop/views.py", 10, "page")
SLOW = Query("SELECT a", "SELECT a", "SELECT", ("t",), "default", 0.0, 150.0, 0, site=LINE)


def test_one_finding_for_each_shape() -> None:
    """Count and cost of the slow runs only; the worst is told with its line."""
    worst = SLOW._replace(duration_ms=200.0, site=Site("shop/views.py", 99, "page"))
    quick = SLOW._replace(duration_ms=99.9)
    other = SLOW._replace(shape="SELECT b")
    findings = list(analyze(RequestRecord(queries=(SLOW, worst, quick, other)), get_settings()))
    assert [(finding.shape, finding.count) for finding in findings] == [
        ("SELECT a", 2),
        ("SELECT b", 1),
    ]
    first = findings[0]
    assert (first.cost_ms, first.saved, first.severity) == (350.0, 0, "warning")
    assert first.access == worst.site
    assert first.message.startswith("t: ")


def test_the_threshold_itself_is_slow() -> None:
    """From SLOW_QUERY_MS on."""
    at = SLOW._replace(duration_ms=100.0)
    assert len(list(analyze(RequestRecord(queries=(at,)), get_settings()))) == 1


@pytest.mark.parametrize("verb", ["BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"])
def test_transactions_are_not_analyzed(verb: str) -> None:
    """A COMMIT that waits for the disk is not a statement to rewrite."""
    assert list(analyze(RequestRecord(queries=(SLOW._replace(verb=verb),)), get_settings())) == []


def test_the_fingerprint_stays_when_lines_move() -> None:
    """And whatever the time."""
    (one,) = analyze(RequestRecord(queries=(SLOW,)), get_settings())
    moved = SLOW._replace(duration_ms=999.0, site=Site(LINE.file, 77, LINE.function))
    (other,) = analyze(RequestRecord(queries=(moved,)), get_settings())
    assert one.fingerprint == other.fingerprint


@pytest.mark.django_db
@override_settings(PERFKIT={"SLOW_QUERY_MS": 0.0001})
def test_a_slow_statement_that_runs_once_has_its_line() -> None:
    """The call site of a slow statement is taken at its first run."""
    with record() as recorded:
        Book.objects.count()
    (finding,) = recorded.findings
    assert finding.kind == "slow_query"
    assert finding.access is not None
    assert finding.access.function == "test_a_slow_statement_that_runs_once_has_its_line"
