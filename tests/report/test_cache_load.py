"""Reading the cache advisor's events: for the report, for a panel, from stores in any state."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError
from django.test import override_settings

from perfkit.conf import get_settings
from perfkit.report.cache_load import configured_backend, load_cache, route_advice
from tests.caching import stored

Run = Callable[..., str]


@pytest.fixture
def filled(store: Path) -> Path:
    """Fill the store with a shop's hour."""
    stored.write_events(stored.visits(time.time(), hours=1.0, count=800))
    return store


def notes_of(report: dict[str, Any]) -> str:
    """Return what a report does not know."""
    return " ".join(report["store"]["notes"])


def test_the_report_tells_what_to_cache_in_every_form(filled: Path, run: Run) -> None:
    """What there is to do with its figures, what to leave in a line, the command for the code."""
    text = " ".join(run().split())
    assert "Caching, by what it would save GET /products/<int:pk>/: cache it for" in text
    assert "code: manage.py perfcache '/products/<int:pk>/'" in text
    assert "GET /account/: do not cache it: different visitors get different answers" in text
    assert "### Caching, by what it would save" in run(format="markdown")
    assert 'id="caching"' in run(format="html")
    assert json.loads(run(format="json"))["cache"][0]["verdict"] == "cache_page"


def test_the_limit_cuts_and_says_so(filled: Path, run: Run) -> None:
    """One route to cache, one to leave; the third is counted."""
    assert "and 1 more route\n" in run(limit="1")


def test_a_route_that_is_chosen_is_judged_alone(filled: Path, run: Run) -> None:
    """The others still tell who is who, but they are not told."""
    told = json.loads(run(format="json", route=["/account/"]))["cache"]
    assert [each["route"] for each in told] == ["/account/"]
    report = load_cache(get_settings(), 0, wanted=("/account/",))
    assert [each.route for each in report.advice] == ["/account/"]
    assert set(report.routes) == {stored.SHARED, stored.OWN, stored.RARE}


def test_a_comparison_and_an_explanation_have_no_advice(make: Any, write: Any, run: Run) -> None:
    """They are about something else."""
    write(make.request(findings=(make.loop(),)))
    assert json.loads(run(format="json", explain="f"))["cache"] == []
    assert json.loads(run(format="json", compare="2h..1h"))["cache"] == []


def test_a_store_without_events_has_no_section(make: Any, write: Any, run: Run) -> None:
    """Nothing was noted, nothing is said; the JSON has an empty list."""
    write(make.request())
    assert "Caching" not in run()
    told = json.loads(run(format="json"))
    assert told["cache"] == []
    assert "cache" not in notes_of(told)


def test_an_advisor_that_is_off_is_told(filled: Path, run: Run, settings: Any) -> None:
    """What was noted before is still reported."""
    settings.PERFKIT = {**settings.PERFKIT, "CACHE_ADVISOR": False}
    told = json.loads(run(format="json"))
    assert told["cache"]
    assert "PERFKIT['CACHE_ADVISOR'] is off" in notes_of(told)


def test_without_a_store_there_is_no_advice(run: Run, settings: Any) -> None:
    """The note is the one on the store."""
    settings.PERFKIT = {"STORE": False}
    told = json.loads(run(format="json"))
    assert told["cache"] == []
    assert told["store"]["notes"] == ["There is no store: PERFKIT['STORE'] is False"]


def test_unreadable_events_are_a_note(filled: Path, run: Run) -> None:
    """Of another version, or damaged: the rest of the report is as it was, its exit status too."""
    before = json.loads(run(format="json"))
    with closing(sqlite3.connect(filled)) as connection, connection:
        (rows,) = connection.execute("SELECT count(*) FROM perfkit_event").fetchone()
        connection.execute("UPDATE perfkit_event SET payload = x'789c03000000000100'")
    told = json.loads(run(format="json"))
    assert told["cache"] == []
    assert f"{rows} rows of the cache advisor could not be read" in notes_of(told)
    assert told["routes"] == before["routes"]


def test_advice_is_no_finding(filled: Path, run: Run) -> None:
    """--fail-on any passes: a page that could be cached is no fault."""
    run(fail_on=["any"])
    with pytest.raises(CommandError) as raised:
        run(format="xml")
    assert raised.value.returncode == 2


def test_only_the_latest_events_are_read_for_a_report(filled: Path) -> None:
    """And the note says who reads all."""
    report = load_cache(get_settings(), 0, most=200)
    seen = sum(each.evidence["requests"] for each in report.advice)
    assert 200 <= seen < 400
    assert report.notes[0].startswith("The cache advice is made of the latest 200 events or so: ")
    assert report.notes[0].endswith(" older rows left out; perfcache reads all")
    # Of an hour 200 events of 800 are a quarter.
    assert "Less than an hour was seen" in report.notes[1]
    assert load_cache(get_settings(), 0, most=None).notes == ()


def test_the_cache_is_the_one_that_pages_are_kept_in(settings: Any, tmp_path: Path) -> None:
    """Whatever alias the site's middleware uses; nothing of the measuring is left in it."""
    files = "django.core.cache.backends.filebased.FileBasedCache"
    places = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "pages": {"BACKEND": files, "LOCATION": str(tmp_path), "OPTIONS": {"MAX_ENTRIES": 7}},
    }
    with override_settings(CACHES=places, CACHE_MIDDLEWARE_ALIAS="pages"):
        facts = configured_backend()
        assert (facts.kind, facts.max_entries, facts.is_shared) == ("file", 7, True)
        assert list(tmp_path.rglob("*.djcache")) == []
        assert caches["pages"].get("x") is None
    with override_settings(CACHES=places, CACHE_MIDDLEWARE_ALIAS="none such"):
        assert configured_backend().kind == "other"


# --- One route, for a panel ---------------------------------------------------------------------


def test_a_panel_gets_the_advice_on_its_route(filled: Path) -> None:
    """Of the very label; a HEAD is judged as the GET."""
    report = route_advice(get_settings(), stored.SHARED, "GET")
    (advice,) = report.advice
    assert (advice.route, advice.verdict) == (stored.SHARED, "cache_page")
    assert report.notes == ()
    (same,) = route_advice(get_settings(), stored.SHARED, "HEAD").advice
    assert same.verdict == advice.verdict
    assert route_advice(get_settings(), "/", "GET").advice == ()


@pytest.mark.parametrize("method", ["POST", "PURGE"])
def test_a_method_that_was_never_noted_has_none(filled: Path, method: str) -> None:
    """The advice on a route's GET is not told of its POST."""
    report = route_advice(get_settings(), stored.SHARED, method)
    assert report.advice == ()
    assert report.notes == (f"Nothing was noted of {method} {stored.SHARED} yet",)


def test_a_panel_is_told_why_there_is_nothing(store: Path, settings: Any) -> None:
    """It raises nothing: no store yet, a store of something else, no store wanted."""
    assert (
        "the store is made with the first requests"
        in route_advice(get_settings(), "/", "GET").notes[0]
    )
    assert not store.parent.exists()
    store.parent.mkdir()
    store.write_bytes(b"This is not a database. " * 500)
    assert (
        route_advice(get_settings(), "/", "GET").notes[0].startswith("The store cannot be read: ")
    )
    settings.PERFKIT = {"STORE": False}
    assert "no store" in route_advice(get_settings(), "/", "GET").notes[0]
