"""Analyzers: ours and yours by dotted path, each kept from failing the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from django.test import override_settings

import perfkit
from perfkit import isolation
from perfkit.analysis import analyze, analyzers, build
from perfkit.conf import Settings, get_settings
from perfkit.observation import Observation
from perfkit.record import Finding, RequestRecord
from tests.library.models import Book

HERE = __name__


@pytest.fixture(autouse=True)
def no_failures_yet() -> Iterator[None]:
    """Count and log from nothing, as a fresh process does."""
    before = isolation.failures.copy()
    isolation.failures.clear()
    yield
    isolation.failures.clear()
    isolation.failures.update(before)


def finding(kind: str, cost_ms: float, saved: int = 0) -> Finding:
    """Make a finding of a site's own kind."""
    return Finding(kind, "info", "told", 1, saved, cost_ms, kind)


def many_statements(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """A site's own analyzer."""
    if record.statements > 1:
        yield finding("many_statements", record.db_ms)


def breaks(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """An analyzer with a bug behind its first finding."""
    yield finding("before_the_bug", 1.0)
    raise RuntimeError("a bug")


def answers_nothing(record: RequestRecord, settings: Settings) -> None:
    """An analyzer that forgot to yield."""


def answers_something_else(record: RequestRecord, settings: Settings) -> Iterator[dict[str, str]]:
    """An analyzer that yields no findings."""
    yield {"kind": "mine"}


def three(record: RequestRecord, settings: Settings) -> list[Finding]:
    """An analyzer may return any iterable."""
    return [finding("cheap", 1.0), finding("dear", 9.0), finding("busy", 1.0, saved=5)]


def using(*names: str) -> override_settings:
    """Register analyzers of this file beside perfkit's for duplicates."""
    paths = [f"{HERE}.{name}" for name in names]
    return override_settings(
        PERFKIT={"ANALYZERS": [*paths, "perfkit.analyzers.duplicates.analyze"]}
    )


@pytest.mark.django_db
def test_a_sites_own_analyzer_is_asked() -> None:
    """It registers the way ours do and its findings stand beside ours."""
    with using("many_statements"), perfkit.record() as recorded:
        Book.objects.count()
        Book.objects.count()
    assert {each.kind for each in recorded.findings} == {"many_statements", "duplicate_query"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["breaks", "answers_nothing", "answers_something_else", "absent"])
def test_an_analyzer_that_fails_is_isolated(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The others go on, the block's code notices nothing, and one line of log tells it, once."""
    analyzers.cache_clear()
    with caplog.at_level(logging.ERROR, "perfkit"):
        for _ in range(3):
            with using(name), perfkit.record() as recorded:
                Book.objects.count()
                Book.objects.count()
            kinds = [each.kind for each in recorded.findings]
            assert "duplicate_query" in kinds
    told = [entry.getMessage() for entry in caplog.records]
    assert len(told) == 1
    assert f"{HERE}.{name}" in told[0]


def test_findings_come_costliest_first() -> None:
    """Then by statements saved, then in an order that never changes."""
    with using("three"):
        findings = analyze(RequestRecord(), get_settings()).findings
    assert [each.kind for each in findings] == ["dear", "busy", "cheap"]


def test_a_record_without_findings_stays_the_same_object() -> None:
    """Most requests have none."""
    record = RequestRecord(route="/")
    assert analyze(record, get_settings()) is record


def test_analyzers_are_imported_once() -> None:
    """A dotted path costs an import at the first request only."""
    analyzers.cache_clear()
    with using("three"):
        for _ in range(3):
            analyze(RequestRecord(), get_settings())
    assert analyzers.cache_info().misses == 1


def test_an_unfinished_request_can_be_looked_at() -> None:
    """The toolbar looks while the response is being made."""
    request = HttpRequest()
    request.method = "GET"
    observation = Observation(request, None, False, lambda finished: None)
    record = build(observation)
    assert record.method == "GET"
    assert record.duration_ms > 0
    assert record.queries == ()
