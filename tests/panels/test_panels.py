"""What all panels promise: right under WSGI and ASGI, from stored JSON alone, and never a failed page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient, Client

from perfkit_panels import PANELS
from tests import pages
from tests.panels.asking import NAMES, async_get, content_of, latest, panel_of, stats_of, sync_get
from tests.panels.conftest import ANALYZERS, TOOLBAR, listing
from tests.panels.toolbar_site import SECRET
from tests.seen import Seen

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[sync_get, async_get], ids=["sync", "async"])
def get(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Ask for a page, under WSGI and under ASGI."""
    ask: Callable[..., Any] = request.param
    return ask


def test_every_panel_is_in_the_page(get: Callable[..., Any]) -> None:
    """All five have a button with a line of figures, under WSGI and ASGI."""
    text = get("/page/").content.decode()
    for name in NAMES:
        assert f'id="djdt-{name}"' in text
    assert "3 statements in" in text
    assert "perfkit: advice (1)" in text
    assert "1 finding: 2 statements less" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_request_of_the_history_looks_the_same(get: Callable[..., Any], name: str) -> None:
    """A panel reads stored stats only, and they are plain JSON."""
    get("/page/")
    panel = panel_of(name)
    assert panel.toolbar.request is None
    assert json.loads(json.dumps(panel.get_stats())) == panel.get_stats()
    assert panel.nav_subtitle
    assert panel.content == content_of(name)
    assert "see the log" not in panel.content


@pytest.mark.parametrize("url", ["/json/", "/bare/", "/crash/", "/stream/", "/missing/"])
def test_answers_without_a_page_of_their_own_are_in_the_history(
    get: Callable[..., Any], url: str
) -> None:
    """JSON, HTML without an end, errors, streams: the record's id is in a header, nothing in the body."""
    response = get(url)
    assert response.headers["Perfkit-Record"] == latest()
    if url in ("/json/", "/bare/"):
        assert b"djDebug" not in response.content
    assert "problem" not in stats_of("PerfkitRequestsPanel")


def test_without_a_toolbar_there_is_no_header(toolbar: Any) -> None:
    """The id is for those who see the toolbar."""
    toolbar.INTERNAL_IPS = []
    assert "Perfkit-Record" not in sync_get("/json/").headers


def test_the_toolbar_does_not_count_a_request_twice(seen: Seen, get: Callable[..., Any]) -> None:
    """Looking at a record in five panels takes nothing from the flusher and adds nothing."""
    get("/page/")
    assert seen.window().routes["/page/", "GET"]["requests"] == 1


def test_a_record_is_made_once_for_all_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five panels ask, one analysis runs."""
    from perfkit_panels import account

    made = []

    def counting(observation: Any) -> Any:
        made.append(observation)
        return build(observation)

    build = account.build
    monkeypatch.setattr(account, "build", counting)
    sync_get("/page/")
    assert len(made) == 1


def test_watching_changes_no_finding(seen: Seen, toolbar: Any) -> None:
    """The panels say what the report says, though more call sites are known to them."""
    sync_get("/page/")
    shown = [each["fingerprint"] for each in stats_of("PerfkitAdvicePanel")["findings"]]
    seen.forget()
    toolbar.MIDDLEWARE = toolbar.MIDDLEWARE[1:]
    sync_get("/page/")
    assert list(seen.window().findings) == shown


@pytest.mark.parametrize("name", NAMES)
def test_without_the_middleware_a_panel_says_so(
    toolbar: Any, get: Callable[..., Any], name: str
) -> None:
    """A site that forgot the line learns which."""
    toolbar.MIDDLEWARE = [TOOLBAR]
    assert get("/page/").status_code == 200
    assert "put perfkit.middleware.PerfkitMiddleware into MIDDLEWARE" in content_of(name)
    assert panel_of(name).nav_subtitle == "nothing known"


@pytest.mark.parametrize("name", [*NAMES[:2], NAMES[3]])
def test_an_unsampled_request_is_told_from_one_without_statements(seen: Seen, name: str) -> None:
    """Nothing recorded is not nothing run."""
    seen.configure(SAMPLE_RATE=0.0)
    sync_get("/page/")
    assert "SAMPLE_RATE left it out" in content_of(name)


def test_a_stream_is_whole_once_it_is_sent(seen: Seen) -> None:
    """The toolbar looks before the body is sent; when it has been, the panels look again."""
    response = sync_get("/stream/")
    assert stats_of("PerfkitQueriesPanel")["head"]["statements"] == 0
    assert "The body is streamed" in content_of("PerfkitRequestsPanel")
    assert b"".join(response.streaming_content) == b"".join(pages.CHUNKS)
    response.close()
    assert stats_of("PerfkitQueriesPanel")["head"]["statements"] == len(pages.CHUNKS)
    told = stats_of("PerfkitRequestsPanel")
    assert told["is_whole"] is True
    assert told["lanes"]["streaming"]
    assert seen.window().routes["/stream/", "GET"]["requests"] == 1


def test_a_stream_of_the_event_loop_is_whole_once_it_is_sent() -> None:
    """Under ASGI the closer runs when the server closes the response."""

    async def read() -> Any:
        client = AsyncClient(REMOTE_ADDR="127.0.0.1")
        response: Any = await client.get("/calm-stream/")
        async for _chunk in response.streaming_content:
            pass
        await sync_to_async(response.close)()

    async_to_sync(read)()
    assert stats_of("PerfkitRequestsPanel")["is_whole"] is True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["account.build", "rendering.engine"])
def test_an_error_is_a_line_in_the_panel(
    get: Callable[..., Any], target: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The page and the toolbar are there, the panel says where to look, the log says why, once."""

    def fault(*args: Any) -> Any:
        raise RuntimeError("injected")

    with pytest.MonkeyPatch.context() as injected:
        injected.setattr(f"perfkit_panels.{target}", fault)
        for _ in range(2):
            response = get("/page/")
            assert response.status_code == 200
            assert b"djDebug" in response.content
            assert "see the log" in content_of(name)
    said = [record.getMessage() for record in caplog.records if record.name == "perfkit"]
    assert sum(f"panel {name} failed" in each for each in said) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_template_is_a_line_in_the_panel(name: str, tmp_path: Any) -> None:
    """A template that cannot be read, or fails, leaves a sentence in its place."""
    from django.template import Engine

    sync_get("/page/")
    panel = panel_of(name)
    folder = tmp_path / "perfkit_panels"
    folder.mkdir()
    (folder / panel.template).write_text("{% nonsense %}")
    with pytest.MonkeyPatch.context() as injected:
        injected.setattr("perfkit_panels.rendering.engine", lambda: Engine(dirs=[str(tmp_path)]))
        assert "could not be rendered; see the log" in content_of(name)
    assert "could not be rendered" not in content_of(name)


def test_values_are_in_no_panel_that_nobody_asked() -> None:
    """Statements, parameters and cache keys hold a secret: no stats, no content has it."""
    sync_get("/secrets/")
    for name in NAMES:
        assert SECRET not in json.dumps(stats_of(name))
        assert SECRET not in content_of(name)


def test_what_looks_like_markup_is_text() -> None:
    """A statement is escaped wherever it is shown."""
    sync_get("/markup/")
    content = content_of("PerfkitQueriesPanel")
    assert "&lt;script&gt;" in content
    for name in NAMES:
        assert "<script" not in content_of(name)


def test_both_panels_of_statements_at_once(toolbar: Any, get: Callable[..., Any]) -> None:
    """The toolbar's own panel and perfkit's see the same statements."""
    listing(toolbar, "debug_toolbar.panels.sql.SQLPanel", *PANELS)
    get("/loop/")
    get("/page/")
    stats = stats_of("SQLPanel")
    assert len(stats["queries"]) == stats_of("PerfkitQueriesPanel")["head"]["statements"] == 3
    assert "pragma_database_list" in content_of("SQLPanel")


def test_content_needs_no_inline_style_or_script(get: Callable[..., Any]) -> None:
    """A page under a strict policy can show the panels: links to files, nothing inline."""
    get("/page/")
    for name in NAMES:
        content = content_of(name)
        assert " style=" not in content
        assert "<style" not in content
        assert " onclick" not in content
        assert '<link rel="stylesheet" href="/__debug__/perfkit/assets/' in content


def test_the_assets_are_served_without_a_static_files_app() -> None:
    """The style and the script have addresses of their own that change with their content."""
    sync_get("/page/")
    (script,) = panel_of("PerfkitRequestsPanel").scripts
    response = Client().get(script)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert "immutable" in response["Cache-Control"]
    assert Client().get(script.replace("panels.js", "..%2Fqueries.py")).status_code == 404


def test_only_what_is_listed_is_served() -> None:
    """No other file of the folder, and nothing outside of it, has an address."""
    sync_get("/page/")
    (script,) = panel_of("PerfkitRequestsPanel").scripts
    assert Client().get(script.replace("panels.js", "other.css")).status_code == 404


def test_lines_are_links_where_an_editor_is_set(seen: Seen) -> None:
    """Findings and statements open in the editor that EDITOR names; without one they are text."""
    sync_get("/page/")
    assert "pk-editor" not in content_of("PerfkitQueriesPanel")
    seen.configure(ANALYZERS=ANALYZERS, EDITOR="zed")
    sync_get("/page/")
    for name in ("PerfkitQueriesPanel", "PerfkitAdvicePanel"):
        assert 'href="zed://file/' in content_of(name)
