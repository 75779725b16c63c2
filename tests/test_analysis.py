"""Analyzers: ours and yours by dotted path, each kept from failing the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import override_settings

import perfkit
from perfkit import isolation
from perfkit.analysis import analyze, analyzers, build
from perfkit.conf import Settings, get_settings
from perfkit.observation import Observation
from perfkit.record import Finding, Part, RequestRecord, Site
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


def with_lines(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """An analyzer whose findings name a line each, in another role."""
    for number, role in enumerate(("access", "origin", "loop"), 1):
        yield replace(finding(role, 1.0), **{role: Site("shop/views.py", number, "f")})
    yield replace(finding("callers", 1.0), callers=(Site("shop/views.py", 4, "f"),))


def with_parts(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """An analyzer whose finding covers two accesses."""
    parts = tuple(
        Part(path, 5, 5, 1.0, Site("shop/views.py", line, "f"), (), "SELECT ?")
        for path, line in (("author", 1), ("tags", 2))
    )
    yield replace(finding("n_plus_one", 2.0), model="shop.Book", path="author, tags", parts=parts)


def using(*names: str, **further: Any) -> override_settings:
    """Register analyzers of this file beside perfkit's for duplicates."""
    paths = [f"{HERE}.{name}" for name in names]
    return override_settings(
        PERFKIT={"ANALYZERS": [*paths, "perfkit.analyzers.duplicates.analyze"], **further}
    )


def kinds(*names: str, record: RequestRecord | None = None, **further: Any) -> list[str]:
    """Return the kinds of findings that analyzers of this file leave, in alphabetical order."""
    with using(*names, **further):
        found = analyze(record or RequestRecord(), get_settings()).findings
    return sorted(each.kind for each in found)


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


def test_a_rule_hides_findings_of_any_analyzer() -> None:
    """All of its patterns must match."""
    assert kinds("three", IGNORE=[{"KIND": "dear"}]) == ["busy", "cheap"]
    assert kinds("three", IGNORE=[{"KIND": "dear", "MODEL": "shop.Book"}]) == [
        "busy",
        "cheap",
        "dear",
    ]
    page = RequestRecord(route="/books/", method="GET")
    assert kinds("three", record=page, IGNORE=[{"ROUTE": "GET /books/"}]) == []
    assert kinds("three", record=page, IGNORE=[{"ROUTE": "/authors/"}]) == [
        "busy",
        "cheap",
        "dear",
    ]
    assert kinds("with_lines", IGNORE=[{"FILE": "shop/*"}]) == []


def test_a_comment_on_any_line_of_a_finding_hides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that asked, that loaded, that loops, or one between."""
    views = tmp_path / "shop" / "views.py"
    views.parent.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    everything = ["access", "callers", "loop", "origin"]
    assert kinds("with_lines") == everything
    for number, role in enumerate(("access", "origin", "loop", "callers")):
        lines = ["pass"] * 4
        lines[number] += f"  # perfkit: ok[{role}]"
        views.write_text("\n".join(lines))
        assert kinds("with_lines") == sorted({*everything} - {role})


def test_a_finding_made_of_parts_goes_with_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fix is for what is left; the analyzer has left out before what is accepted."""
    author, tags = {"PATH": "author"}, {"MODEL": "shop.*", "PATH": "tags"}
    assert kinds("with_parts", IGNORE=[author]) == ["n_plus_one"]
    assert kinds("with_parts", IGNORE=[author, tags]) == []
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "views.py").write_text("pass\npass  # perfkit: ok[few]\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert kinds("with_parts") == ["n_plus_one"]
    assert kinds("with_parts", IGNORE=[author]) == []


@pytest.mark.django_db
def test_a_comment_in_real_code_is_found() -> None:
    """From the line that ran the statements to the file on disk."""
    with using(), perfkit.record() as accepted:
        for _ in range(3):
            Book.objects.count()  # perfkit: ok[this test]
    with using(), perfkit.record() as told:
        for _ in range(3):
            Book.objects.count()
    assert (len(accepted.findings), len(told.findings)) == (0, 1)


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
