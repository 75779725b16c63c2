"""Slow statements are explained on real databases: what is found, how often, and what is not kept."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.models import Count, F
from django.db.models.functions import Upper

from perfkit.explain import explainer
from perfkit.explain.explainer import AGAIN_S, DEADLINE_S, MOST_A_MINUTE, PAUSE_S
from perfkit.explain.findings import KIND
from tests.explain.databases import ALIAS, configure, forget, sqlite_at
from tests.explain.slow import Site, run
from tests.library.models import Author, Book

SECRET = "s3cret-value"

Work = Callable[[], Any]

books = Book.objects.using(ALIAS)
authors = Author.objects.using(ALIAS)


def told(site: Site) -> list[tuple[str, str]]:
    """Return model and fields of each finding."""
    return [(finding.model, finding.path) for finding in site.findings()]


def test_a_condition_without_an_index_is_told(vendor: str) -> None:
    """The finding names the model, the field, the index to add and the line that asked."""
    site = Site()
    [finding] = site.explain(lambda: list(books.filter(title=SECRET)))
    assert (finding.kind, finding.severity, finding.alias) == (KIND, "warning", ALIAS)
    assert (finding.model, finding.path) == ("library.Book", "title")
    assert finding.message == (
        "library.Book: the database reads all rows, at least 10,000, to find few by title: no index "
        'begins with that; add models.Index(fields=["title"]) to the indexes of library.Book'
    )
    assert finding.access is not None
    assert finding.access.file.endswith("test_explainer.py")
    [stats] = site.window.findings.values()
    assert (stats.requests, stats.count, dict(stats.routes)) == (1, 1, {"GET /page/": 1})
    assert stats.cost_ms > 0


@pytest.mark.parametrize(
    "work",
    [
        lambda: list(books.filter(pk=7)),
        lambda: list(books.filter(author=7)),
        lambda: list(books.filter(author__in=[7, 8]).order_by("title")),
        lambda: list(books.all()[:20]),
        lambda: list(books.order_by("pk")[:20]),
        lambda: list(books.filter(pk__gt=11_990)),
    ],
    ids=["key", "foreign key", "some", "first", "by key", "range"],
)
def test_what_an_index_serves_is_no_finding(vendor: str, work: Work) -> None:
    """A slow statement whose plan is right has another cause."""
    site = Site()
    assert site.explain(work) == []
    assert site.explainer.skipped.total() == 0


def test_a_pattern_and_a_function_are_told_apart_from_a_missing_index(vendor: str) -> None:
    """An index on the column would not help, so none is advised."""
    site = Site()
    site.explain(
        lambda: list(books.filter(title__contains=SECRET)),
        lambda: list(books.annotate(loud=Upper("body")).filter(loud=SECRET)),
    )
    assert told(site) == [("library.Book", "body"), ("library.Book", "title")]
    assert all("a pattern or a function" in each.message for each in site.findings())
    assert not any("models.Index" in each.message for each in site.findings())


def test_a_sort_for_the_first_rows_wants_an_index(vendor: str) -> None:
    """All rows are sorted to give the first ones."""
    [finding] = Site().explain(lambda: list(books.order_by("body")[:10]))
    assert (finding.model, finding.path) == ("library.Book", "body")
    assert "sorts at least 10,000 rows by body; add models.Index" in finding.message


def test_reading_everything_is_told_as_info(vendor: str) -> None:
    """Nothing is wrong with the plan: it is asked for too much."""
    [finding] = Site().explain(lambda: list(authors.all()))
    assert (finding.severity, finding.path) == ("info", "")
    assert "as nothing limits them" in finding.message


def test_only_plain_selects_are_asked_about(vendor: str) -> None:
    """Writes are not even looked at; what is not surely a plain read is counted."""

    def raw() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT title FROM library_book WHERE title = 'x' -- a comment")
            cursor.fetchall()

    site = Site()
    before = books.count()
    assert site.explain(lambda: books.filter(title="no such").update(title="x"), raw) == []
    assert site.explainer.skipped == {"not a plain SELECT": 1}
    assert site.window.dropped["explains"] == 1
    assert books.count() == before


def test_a_statement_is_asked_about_once_an_hour_and_counts_each_time(vendor: str) -> None:
    """The plan of the first run stands for those that follow, whatever their values."""
    site = Site()
    asked = []
    read = explainer._READERS[vendor]

    def counting(*given: Any) -> Any:
        asked.append(given)
        return read(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(explainer._READERS, vendor, counting)
        for value in ("a", "b", "c"):
            site.request(lambda value=value: list(books.filter(title=value)))
        site.flush()
        for value in ("d", "e"):
            site.request(lambda value=value: list(books.filter(title=value)))
        site.flush()
        [stats] = site.window.findings.values()
        assert (len(asked), stats.requests, stats.routes["GET /page/"]) == (1, 5, 5)
        site.clock.now += AGAIN_S
        site.request(lambda: list(books.filter(title="f")))
        site.flush()
    assert len(asked) == 2
    [stats] = site.window.findings.values()
    assert stats.requests == 6


def test_at_most_ten_statements_a_minute(vendor: str) -> None:
    """The slowest of many are asked about; the next minute has ten again."""
    site = Site()
    many = [lambda n=n: list(books.values_list(*["pk"] * n)[:1]) for n in range(1, 16)]
    site.request(*many)
    assert len(site.explainer._waiting) == MOST_A_MINUTE
    site.flush()
    assert len(site.explainer._known) == MOST_A_MINUTE
    site.request(*many)
    site.flush()
    assert len(site.explainer._known) == MOST_A_MINUTE
    site.clock.now += 60
    site.request(*many)
    site.flush()
    assert len(site.explainer._known) == 15


def test_the_slowest_are_asked_about_first(vendor: str) -> None:
    """Of what waits, the shortest statements give way."""
    site = Site()
    trace, record = run(lambda: list(books.all()[:1]), site.settings)
    for ms in (5.0, 9.0, 1.0, *[7.0] * 9):
        query = record.queries[0]._replace(duration_ms=ms)
        site.explainer.collect(trace, replace(record, queries=(query,)), site.window)
    waiting = [slow.query.duration_ms for slow in site.explainer._waiting.take()]
    assert waiting == [9.0, *[7.0] * 9]


def test_nothing_of_a_statement_stays_after_the_flush(vendor: str) -> None:
    """Parameters live until the next flush; no finding, state or log line has one."""
    site = Site()
    site.request(
        lambda: list(books.filter(title=SECRET, body__contains=SECRET)),
        lambda: list(books.extra(where=[f"title = '{SECRET}'"])),
        lambda: list(books.annotate(x=F("title")).values("x").annotate(n=Count("pk"))[:3]),
    )
    waiting = [item[2] for item in site.explainer._waiting._heap]
    assert SECRET in str([slow.params for slow in waiting])
    assert SECRET not in repr(waiting)
    site.flush()
    assert len(site.explainer._waiting) == 0
    assert site.findings()
    state = [site.findings(), site.explainer._known, dict(site.explainer.skipped)]
    assert SECRET.encode() not in pickle.dumps(state)
    assert SECRET.encode() not in pickle.dumps(site.window.to_json())


def test_the_requests_connection_is_left_alone(vendor: str) -> None:
    """Another connection asks, and is closed when it has."""
    site = Site()
    site.request(lambda: list(books.filter(title=SECRET)))
    connection = connections[ALIAS]
    before = connection.connection
    opened_ones: list[Any] = []
    opened = explainer.opened
    with pytest.MonkeyPatch.context() as patched:

        def watched(alias: str) -> Any:
            context = opened(alias)
            enter = context.__enter__

            class Watched:
                def __enter__(self) -> Any:
                    opened_ones.append(enter())
                    return opened_ones[-1]

                def __exit__(self, *error: object) -> Any:
                    return context.__exit__(*error)

            return Watched()

        patched.setattr(explainer, "opened", watched)
        site.flush()
    assert connection.connection is before
    [own] = opened_ones
    assert own is not connection
    assert own.connection is None, "it was left open"
    assert len(site.findings()) == 1


def test_no_time_no_plans(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow database holds the flusher for a bounded time; what waits is counted."""
    site = Site()
    site.request(lambda: list(books.filter(title="a")), lambda: list(books.filter(body="a")))
    read = explainer._READERS[vendor]

    def slowly(*given: Any) -> Any:
        site.clock.now += DEADLINE_S
        return read(*given)

    monkeypatch.setitem(explainer._READERS, vendor, slowly)
    site.flush()
    assert len(site.findings()) == 1
    assert site.explainer.skipped == {"no time left in this flush": 1}


def test_a_process_that_ends_begins_no_further_plan(vendor: str) -> None:
    """Its last flush waits for this one."""
    site = Site()
    site.request(lambda: list(books.filter(title="a")), lambda: list(books.filter(body="a")))
    site.explainer.run(lambda at: site.window, lambda: True)
    assert site.findings() == []
    assert site.explainer.skipped == {"no time left in this flush": 2}


def test_a_rule_hides_a_plan_as_it_does_any_finding(vendor: str) -> None:
    """What the team lives with is not told again."""
    site = Site(ignore=((("KIND", KIND), ("MODEL", "library.Book")),))
    site.explain(lambda: list(books.filter(title="a")), lambda: list(authors.filter(name="a")))
    assert told(site) == [("library.Author", "name")]


def test_a_statement_that_fails_leaves_the_others(
    vendor: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its error names a value, so only the error's class is told, once, and nothing to be seen."""
    caplog.set_level(logging.DEBUG)
    site = Site()
    site.request(lambda: list(books.filter(title=SECRET)))
    [slow] = site.explainer._waiting.take()
    wrong = replace(
        slow,
        query=slow.query._replace(shape="another", duration_ms=1e6),
        sql="SELECT nothing FROM library_book WHERE title = %s AND id = %s",
        params=(SECRET, SECRET),
    )
    site.explainer._waiting.add(slow)
    site.explainer._waiting.add(wrong)
    site.flush()
    assert len(site.findings()) == 1
    [reason] = site.explainer.skipped
    assert reason.startswith("the database failed: ")
    assert SECRET not in caplog.text


@pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
def test_parameters_bound_by_the_server_are_explained_too(vendor: str) -> None:
    """Where the site sends statement and parameters apart, so do we."""
    connections.settings[ALIAS]["OPTIONS"]["server_side_binding"] = True
    try:
        [finding] = Site().explain(lambda: list(books.filter(title=SECRET)))
    finally:
        del connections.settings[ALIAS]["OPTIONS"]["server_side_binding"]
    assert (finding.model, finding.path) == ("library.Book", "title")


@pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
def test_a_sort_that_does_not_fit_into_memory_is_told(vendor: str) -> None:
    """By the planner's estimates: nothing is run."""
    connections.settings[ALIAS]["OPTIONS"]["options"] = "-c work_mem=64kB"
    try:
        site = Site()
        site.explain(lambda: list(books.order_by("body", "title")))
        site.explain(lambda: list(books.values("body").annotate(n=Count("pk"))))
    finally:
        del connections.settings[ALIAS]["OPTIONS"]["options"]
    messages = [finding.message for finding in site.findings()]
    assert any(
        "sorted by body and title, more than fits into work_mem" in each for each in messages
    )
    assert any("hashed, more than fits" in each for each in messages) or any(
        "sorted by body, more than fits" in each for each in messages
    )


APART = "apart"


def ask(text: str = "SELECT 1 AS one") -> None:
    """Run a statement on a database that is not the one of ``vendor``."""
    with connections[APART].cursor() as cursor:
        cursor.execute(text)
        cursor.fetchall()


@pytest.fixture
def apart() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Let a test say, and say anew, which database the alias ``apart`` is."""
    yield lambda database: configure(database, APART)
    forget(APART)


def test_a_database_that_cannot_be_reached_is_left_alone_for_a_while(
    apart: Callable[[dict[str, Any]], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every flush would wait for it; after some minutes it is tried again."""
    caplog.set_level(logging.DEBUG)
    nobody = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "x",
        "USER": "nobody",
        "PASSWORD": SECRET,
        "HOST": "127.0.0.1",
        "PORT": 9,
    }
    site = Site()
    reason = "the database failed: OperationalError"
    for wait_s, tries in ((0, 1), (PAUSE_S - 1, 1), (1, 2)):
        site.clock.now += wait_s
        apart(sqlite_at(tmp_path / "x.sqlite3"))
        site.request(lambda tries=tries, wait_s=wait_s: ask(f"SELECT 1 AS a{wait_s}"))
        connections[APART].close()
        apart(nobody)
        site.flush()
        assert site.explainer.skipped == {reason: tries}
        del connections[APART]
    connections[APART].close()
    assert SECRET not in caplog.text
    assert caplog.text.count(reason) == 1


def test_a_database_in_memory_is_passed_over(
    apart: Callable[[dict[str, Any]], None],
) -> None:
    """A second connection to it would see another, empty one."""
    apart(sqlite_at(Path(":memory:")))
    site = Site()
    assert site.explain(ask, ask) == []
    assert site.explainer.skipped == {"a database in memory": 1}


def test_a_database_of_another_kind_is_passed_over(
    apart: Callable[[dict[str, Any]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that perfkit cannot read is not asked for."""
    apart(sqlite_at(tmp_path / "x.sqlite3"))
    monkeypatch.setattr("perfkit.explain.connection.VENDORS", ("postgresql",))
    site = Site()
    assert site.explain(ask) == []
    assert site.explainer.skipped == {"a database that is not explained": 1}


def test_the_memory_for_shapes_is_bounded(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that writes its own SQL does not fill the process."""
    monkeypatch.setattr(explainer, "MOST_SHAPES", 3)
    site = Site()
    for n in range(1, 8):
        site.explain(lambda n=n: list(books.values_list(*["pk"] * n)[:1]))
        assert len(site.explainer._known) <= 3
