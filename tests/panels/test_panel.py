"""The panel in a real toolbar: what perfkit recorded, from the toolbar's own store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

from tests import pages
from tests.seen import Seen

pytestmark = pytest.mark.django_db

TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
PERFKIT = "perfkit.middleware.PerfkitMiddleware"
DUPLICATES = "perfkit.analyzers.duplicates.analyze"


def page(request: HttpRequest) -> HttpResponse:
    """Run three equal statements, and show the toolbar."""
    pages.ask(3)
    return HttpResponse("<html><body>page</body></html>")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream, which the toolbar looks at before the end."""
    return StreamingHttpResponse(pages.chunks(), content_type="text/html")


def markup(request: HttpRequest) -> HttpResponse:
    """Run statements whose text looks like HTML."""
    for _ in range(2):
        list(Group.objects.extra(select={"<script>": "1"}))
    return HttpResponse("<html><body>markup</body></html>")


urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def toolbar(settings: Any, seen: Seen) -> Iterator[Any]:
    """Set up a site with the toolbar as its documentation says, perfkit below it."""
    settings.DEBUG = True
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.STATIC_URL = "/static/"
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "django.contrib.staticfiles",
        "debug_toolbar",
    ]
    settings.MIDDLEWARE = [TOOLBAR, PERFKIT]
    settings.DEBUG_TOOLBAR_PANELS = ["perfkit_panels.PerfkitPanel"]
    settings.DEBUG_TOOLBAR_CONFIG = {
        "IS_RUNNING_TESTS": False,
        "SHOW_TOOLBAR_CALLBACK": "debug_toolbar.middleware.show_toolbar",
    }
    # Importable only now: its models need the app in INSTALLED_APPS.
    from debug_toolbar import settings as toolbar_settings
    from debug_toolbar.toolbar import DebugToolbar, debug_toolbar_urls

    toolbar_settings.get_config.cache_clear()
    toolbar_settings.get_panels.cache_clear()
    DebugToolbar._panel_classes = DebugToolbar._urlpatterns = None
    settings.ROOT_URLCONF = __name__
    urlpatterns[:] = [
        path("page/", page),
        path("stream/", stream),
        path("markup/", markup),
        *debug_toolbar_urls(),
    ]
    clear_url_caches()
    seen.configure(ANALYZERS=["tests.seen.listen", DUPLICATES])
    yield settings
    DebugToolbar._panel_classes = DebugToolbar._urlpatterns = None
    toolbar_settings.get_config.cache_clear()
    toolbar_settings.get_panels.cache_clear()
    clear_url_caches()


def sync_get(url: str) -> Any:
    """Ask under WSGI."""
    return Client().get(url)


def async_get(url: str) -> Any:
    """Ask under ASGI."""
    return async_to_sync(AsyncClient(REMOTE_ADDR="127.0.0.1").get)(url)


@pytest.fixture(params=[sync_get, async_get], ids=["sync", "async"])
def get(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Ask for a page, under WSGI and under ASGI."""
    ask: Callable[[str], Any] = request.param
    return ask


def latest() -> str:
    """Return the id of the request that the toolbar stored last."""
    from debug_toolbar.store import get_store

    return str(list(get_store().request_ids())[-1])


def from_history() -> Any:
    """Load the panel as the history does: from the toolbar's store, without a request."""
    from debug_toolbar.toolbar import DebugToolbar

    loaded = DebugToolbar.fetch(latest(), "PerfkitPanel")
    assert loaded is not None
    return loaded.get_panel_by_id("PerfkitPanel")


def rendered(request_id: str) -> str:
    """Ask for the panel's content as the browser does."""
    query = {"request_id": request_id, "panel_id": "PerfkitPanel"}
    response = Client().get("/__debug__/render_panel/", query)
    assert response.status_code == 200
    return str(response.json()["content"])


def test_the_panel_shows_the_record(get: Callable[[str], Any]) -> None:
    """Figures, findings with their line, and statements by shape, under WSGI and ASGI."""
    response = get("/page/")
    assert b"3 statements, 1 finding" in response.content
    content = rendered(latest())
    assert "GET /page/" in content
    assert "duplicate_query" in content
    assert "pages.py" in content
    assert "pragma_database_list" in content


def test_a_request_of_the_history_looks_the_same(get: Callable[[str], Any]) -> None:
    """The panel reads stored stats only, and they are plain JSON."""
    get("/page/")
    panel = from_history()
    assert panel.toolbar.request is None
    assert panel.nav_subtitle == "3 statements, 1 finding"
    assert panel.content == rendered(latest())


def test_the_toolbar_does_not_count_a_request_twice(seen: Seen, get: Callable[[str], Any]) -> None:
    """Looking at a record in a panel takes nothing from the flusher and adds nothing."""
    get("/page/")
    assert seen.window().routes["/page/", "GET"]["requests"] == 1


def test_statements_are_shown_without_values_and_escaped() -> None:
    """What stands in a statement is text, never markup."""
    sync_get("/markup/")
    content = rendered(latest())
    assert "&lt;script&gt;" in content
    assert "<script>" not in content


def test_a_stream_is_shown_as_far_as_it_has_come(seen: Seen) -> None:
    """The toolbar looks before the body is sent; the observation still ends once."""
    response = sync_get("/stream/")
    assert from_history().nav_subtitle == "0 statements, 0 findings"
    assert b"".join(response.streaming_content) == b"".join(pages.CHUNKS)
    assert seen.window().routes["/stream/", "GET"]["statements"] == len(pages.CHUNKS)


def test_without_the_middleware_the_panel_says_so(toolbar: Any, get: Callable[[str], Any]) -> None:
    """A site that forgot the line learns which."""
    toolbar.MIDDLEWARE = [TOOLBAR]
    assert get("/page/").status_code == 200
    assert "perfkit.middleware.PerfkitMiddleware is not in MIDDLEWARE" in rendered(latest())


def test_an_unsampled_request_is_told_from_one_without_statements(seen: Seen) -> None:
    """Nothing recorded is not nothing run."""
    seen.configure(SAMPLE_RATE=0.0)
    sync_get("/page/")
    assert "SAMPLE_RATE left it out" in rendered(latest())


@pytest.mark.parametrize("target", ["perfkit_panels.panel.build", "perfkit_panels.panel.engine"])
def test_an_error_is_a_line_in_the_panel(
    get: Callable[[str], Any], target: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The page and the toolbar are there, the panel says where to look, the log says why, once."""

    def fault(*args: Any) -> Any:
        raise RuntimeError("injected")

    with pytest.MonkeyPatch.context() as injected:
        injected.setattr(target, fault)
        for _ in range(2):
            response = get("/page/")
            assert response.status_code == 200
            assert b"djDebug" in response.content
            assert "see the log" in rendered(latest())
    ours = [record.getMessage() for record in caplog.records if record.name == "perfkit"]
    assert len(ours) == 1
    assert "panel failed" in ours[0]


def test_a_long_list_of_shapes_is_cut_and_told(toolbar: Any) -> None:
    """The toolbar keeps the stats of its whole history in memory."""

    def many(request: HttpRequest) -> HttpResponse:
        for number in range(60):
            list(Group.objects.extra(select={f"column_{number}": "1"}))
        return HttpResponse("<html><body></body></html>")

    urlpatterns.insert(0, path("many/", many))
    clear_url_caches()
    sync_get("/many/")
    content = rendered(latest())
    assert content.count("<td><code>") == 50
    assert "10 further shapes are not listed" in content
