"""The panel of statements: shapes, duplicates apart from repeats, call sites, values on request only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client

from perfkit.capture.current import current
from perfkit_panels.bounded import MOST_BYTES
from perfkit_panels.recent import MOST_REQUESTS, Recent, Run, recent
from tests.library import shelves
from tests.panels import toolbar_site
from tests.panels.asking import (
    NAMES,
    asked,
    content_of,
    latest,
    panel_of,
    posted,
    stats_of,
    sync_get,
)
from tests.panels.conftest import listing
from tests.panels.toolbar_site import HTML, SECRET
from tests.seen import Seen

pytestmark = pytest.mark.django_db

PANEL = "PerfkitQueriesPanel"


def shapes() -> list[dict[str, Any]]:
    """Return what the panel has stored of the latest request."""
    shown: list[dict[str, Any]] = stats_of(PANEL)["shapes"]
    return shown


def number_of(text: str) -> int:
    """Return the number of the first statement that holds a text."""
    return next(int(shape["n"]) for shape in shapes() if text in shape["shape"])


def test_duplicates_are_told_apart_from_repeats() -> None:
    """The same values again is one thing, other values another."""
    shelves.fill(6, authors=3)
    sync_get("/loop/")
    stats = stats_of(PANEL)
    assert (stats["duplicates"], stats["repeats"]) == (3, 2)
    (author,) = [shape for shape in stats["shapes"] if "library_author" in shape["shape"]]
    assert (author["runs"], author["duplicates"], author["repeats"]) == (6, 3, 2)
    assert author["tables"] == ["library_author"]
    assert author["findings"] == ["n_plus_one"]
    content = content_of(PANEL)
    assert "3 duplicates" in content
    assert "2 repeats" in content


def test_a_statement_that_ran_once_has_its_line_too() -> None:
    """Reports take the line from a statement's second run on; a developer wants every one."""
    shelves.fill(1)
    sync_get("/loop/")
    for shape in shapes():
        (site,) = shape["sites"]
        assert site[0].endswith("toolbar_site.py")
        assert site[2] == "loop" or "<listcomp>" in site[2]


def test_a_statement_is_laid_out_when_it_is_opened() -> None:
    """The panel itself holds one line; sqlparse works for one statement at a time."""
    shelves.fill(1)
    sync_get("/loop/")
    number = number_of('FROM "library_author"')
    told = asked("statement", request_id=latest(), statement=number)
    assert "\nFROM &quot;library_author&quot;" in told
    assert "= ?" in told


@pytest.mark.parametrize("sent", ["", "x", "-1", "999", "1e3", "9" * 50, "٣"])
def test_a_statement_that_is_not_there_is_a_sentence(sent: str) -> None:
    """Whatever is sent as a number, the answer is a line in the panel."""
    sync_get("/page/")
    assert "no such statement" in asked("statement", request_id=latest(), statement=sent)


@pytest.mark.parametrize("sent", ["", "0" * 32, "../..", "x" * 500])
def test_a_request_that_is_not_there_is_a_sentence(sent: str) -> None:
    """The toolbar keeps the latest requests only."""
    sync_get("/page/")
    for view in ("values", "explain"):
        assert "not in the toolbar" in posted(view, request_id=sent, statement=0)


def test_values_are_shown_on_request() -> None:
    """The values of the runs come from memory; the stored statistics never had them."""
    sync_get("/secrets/")
    told = posted("values", request_id=latest(), statement=number_of('"name" = ?'))
    assert f"&#x27;{SECRET}&#x27;" in told
    assert f"&#x27;{SECRET}-2&#x27;" in told
    assert "stored nowhere" in told
    literal = posted("values", request_id=latest(), statement=number_of("SELECT ?"))
    assert SECRET in literal


def test_values_of_writes_are_not_kept() -> None:
    """Capture keeps no parameters of a write, and the panel says so."""
    sync_get("/secrets/")
    told = posted("values", request_id=latest(), statement=number_of("INSERT INTO"))
    assert "The values are not kept" in told
    assert SECRET not in told


def test_values_of_older_requests_are_gone() -> None:
    """What this process does not remember it says."""
    sync_get("/secrets/")
    recent.clear()
    told = posted("values", request_id=latest(), statement=0)
    assert "The values are gone" in told


def test_values_are_kept_only_in_debug(toolbar: Any) -> None:
    """A toolbar that is shown without DEBUG keeps no values, and shows none."""
    sync_get("/secrets/")
    request_id, number = latest(), number_of('"name" = ?')
    toolbar.DEBUG = False
    toolbar.DEBUG_TOOLBAR_CONFIG = {
        **toolbar.DEBUG_TOOLBAR_CONFIG,
        "SHOW_TOOLBAR_CALLBACK": "tests.panels.toolbar_site.everybody",
    }
    from debug_toolbar.middleware import show_toolbar_func_or_path

    show_toolbar_func_or_path.cache_clear()
    try:
        told = posted("values", request_id=request_id, statement=number)
    finally:
        show_toolbar_func_or_path.cache_clear()
    assert SECRET not in told
    assert "only while DEBUG is true" in told


def test_memory_is_bounded() -> None:
    """The requests remembered are few, the oldest go first, and no text of a run has its values."""
    memory = Recent()
    run = Run(f"SELECT '{SECRET}'", (SECRET,), "default", 1.0)
    for number in range(MOST_REQUESTS + 10):
        memory.keep(str(number), [(run,)])
    assert memory.runs("9", 0) == ()
    assert memory.runs("10", 0) == (run,)
    assert memory.runs("10", 1) == memory.runs("10", -1) == ()
    assert SECRET not in repr(run)


@pytest.mark.parametrize("view", ["values", "explain", "capture"])
def test_posting_needs_a_token(view: str) -> None:
    """A page of another site cannot make the browser ask for values; reading is not enough either."""
    client = Client(enforce_csrf_checks=True)
    sync_get("/page/")
    data = {"request_id": latest(), "statement": 0}
    assert client.get(f"/__debug__/perfkit/{view}/", data).status_code == 405
    assert client.post(f"/__debug__/perfkit/{view}/", data).status_code == 403
    token = client.get("/__debug__/perfkit/token/").json()["token"]
    headers = {"X-CSRFToken": token}
    assert client.post(f"/__debug__/perfkit/{view}/", data, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "view", ["token", "statement", "values", "explain", "cache-advice", "captures", "capture"]
)
def test_whoever_does_not_see_the_toolbar_gets_a_404(toolbar: Any, view: str) -> None:
    """The views are the toolbar's: so is who may call them."""
    sync_get("/page/")
    data = {"request_id": latest(), "statement": 0}
    toolbar.INTERNAL_IPS = []
    assert Client().get(f"/__debug__/perfkit/{view}/", data).status_code == 404
    assert Client().post(f"/__debug__/perfkit/{view}/", data).status_code == 404


def test_an_error_of_a_view_is_a_line_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own failure while something is asked for is never a 500."""

    def fault(*args: Any) -> Any:
        raise RuntimeError("injected")

    sync_get("/page/")
    monkeypatch.setattr("perfkit_panels.statement_views.laid_out", fault)
    told = asked("statement", request_id=latest(), statement=0)
    assert "perfkit failed here; see the log" in told


def test_a_long_list_of_shapes_is_cut_and_told() -> None:
    """What is left out is named by its number."""
    sync_get("/many/")
    stats = stats_of(PANEL)
    assert len(stats["shapes"]) + stats["left_out"] == 300
    assert f"{stats['left_out']} further shapes are not listed" in content_of(PANEL)


def test_a_request_of_100_000_statements_fits(seen: Seen, toolbar: Any) -> None:
    """Each panel stores at most 64 kB of it, says what it cut, and the page is served."""

    def huge(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            for number in range(400):
                cursor.execute(f"SELECT {number % 50}, 1 AS c{number}")
        # As if each had run 250 times: what the database takes for that is not the question.
        trace = current.get()
        assert trace is not None
        trace.events *= 250
        return HttpResponse(HTML.format("huge"))

    seen.configure(MAX_QUERIES=100_000)
    toolbar_site.PAGES["huge/"] = huge
    try:
        listing(toolbar, *toolbar.DEBUG_TOOLBAR_PANELS)
        assert sync_get("/huge/").status_code == 200
    finally:
        del toolbar_site.PAGES["huge/"]
    sizes = {name: len(json.dumps(stats_of(name))) for name in NAMES}
    assert all(size <= MOST_BYTES for size in sizes.values()), sizes
    stats = stats_of(PANEL)
    assert stats["head"]["statements"] == 100_000
    assert len(stats["shapes"]) + stats["left_out"] == 400
    assert "further shapes are not listed" in content_of(PANEL)
    assert "see the log" not in "".join(map(content_of, NAMES))


def test_more_than_max_queries_is_told(seen: Seen) -> None:
    """Statements beyond those kept in detail are counted, and the panels say that they are missing."""
    seen.configure(MAX_QUERIES=2)
    sync_get("/page/")
    assert stats_of(PANEL)["head"]["statements"] == 3
    assert "1 statement beyond MAX_QUERIES" in content_of(PANEL)
    assert "1 statements beyond MAX_QUERIES are counted" in content_of("PerfkitRequestsPanel")


def test_a_failed_statement_and_executemany_are_marked(toolbar: Any) -> None:
    """What raised and what ran for many rows is said beside it."""

    def failing(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute("SELECT nothing FROM nowhere")
            names = [(f"name {number}",) for number in range(3)]
            cursor.executemany("INSERT INTO auth_group (name) VALUES (%s)", names)
        assert Group.objects.count() == 3
        return HttpResponse(HTML.format("failing"))

    toolbar_site.PAGES["page/"], before = failing, toolbar_site.PAGES["page/"]
    try:
        listing(toolbar, *toolbar.DEBUG_TOOLBAR_PANELS)
        sync_get("/page/")
    finally:
        toolbar_site.PAGES["page/"] = before
    content = content_of(PANEL)
    assert "1 failed" in content
    assert "1× executemany" in content
    assert stats_of(PANEL)["head"]["transactions"] >= 2


def test_a_page_without_statements_says_so() -> None:
    """Nothing asked is told, too."""
    sync_get("/cached/")
    assert "No statement was run." in content_of(PANEL)
    assert panel_of(PANEL).nav_subtitle == "0 statements in 0 ms"
