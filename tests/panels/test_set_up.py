"""What is wrong with a site's set-up is said: at import, by the checks, and in the panels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import debug_toolbar
import pytest
from django.core.checks import run_checks
from django.db import connection

from perfkit_panels import PANELS
from tests.panels.asking import NAMES, async_get, content_of, latest, panel_of, stats_of, sync_get
from tests.panels.conftest import TOOLBAR, listing

pytestmark = pytest.mark.django_db(transaction=True)

HISTORY = "debug_toolbar.panels.history.HistoryPanel"
MEMORY, DATABASE, CACHE = (
    f"debug_toolbar.store.{kind}Store" for kind in ("Memory", "Database", "Cache")
)


def told() -> list[tuple[str, str]]:
    """Return the panels' own messages, each with its id."""
    ours = ("perfkit.E007", "perfkit.W016", "perfkit.W017")
    return [(each.id, each.msg) for each in run_checks() if each.id in ours]


def test_without_a_toolbar_the_import_says_what_is_missing(tmp_path: Path) -> None:
    """Settings that list the panels fail with what to install, not with a name of another package."""
    (tmp_path / "debug_toolbar.py").write_text("raise ModuleNotFoundError('debug_toolbar')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from perfkit_panels import PANELS"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ImportError: perfkit_panels needs django-debug-toolbar 6 or later" in done.stderr
    assert "pip install 'perfkit[toolbar]'" in done.stderr


def test_settings_may_name_the_panels_before_any_app_is_loaded() -> None:
    """`from perfkit_panels import PANELS` in a settings file touches neither settings nor apps."""
    code = "from perfkit_panels import PANELS; import sys; print(len(PANELS), 'debug_toolbar.panels' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["5", "False"], done.stderr


def test_a_right_set_up_has_no_message() -> None:
    """Nothing is said where nothing is wrong."""
    assert told() == []


@pytest.mark.parametrize(
    ("version", "is_old"),
    [("5.2.0", True), ("4.4", True), ("6.0", False), ("10.0", False), ("dev", False)],
)
def test_an_old_toolbar_is_told_by_a_check(
    monkeypatch: pytest.MonkeyPatch, version: str, is_old: bool
) -> None:
    """One message, however many panels are listed."""
    monkeypatch.setattr(debug_toolbar, "VERSION", version)
    found = told()
    assert [name for name, _ in found] == (["perfkit.E007"] if is_old else [])
    assert not is_old or f"django-debug-toolbar is {version}" in found[0][1]


def test_a_missing_middleware_is_told_by_a_check(toolbar: Any) -> None:
    """Whether or not perfkit is in INSTALLED_APPS."""
    toolbar.MIDDLEWARE = [TOOLBAR]
    assert [name for name, _ in told()] == ["perfkit.W016"]


def test_a_toolbar_without_our_panels_has_no_message(toolbar: Any) -> None:
    """A site that lists none of them is not spoken to."""
    listing(toolbar, HISTORY)
    toolbar.MIDDLEWARE = [TOOLBAR]
    assert told() == []


@pytest.fixture
def history_table() -> Any:
    """Make the toolbar's own table, which its migration makes where the store is the database's."""
    from debug_toolbar.models import HistoryEntry

    with connection.schema_editor() as editor:
        editor.create_model(HistoryEntry)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(HistoryEntry)


@pytest.mark.parametrize("store", [MEMORY, DATABASE, CACHE])
def test_the_panels_work_with_each_of_the_toolbars_stores(
    toolbar: Any, history_table: Any, store: str
) -> None:
    """Memory, database, cache: what comes out of it is what the panels show."""
    listing(toolbar, HISTORY, *PANELS, TOOLBAR_STORE_CLASS=store)
    assert sync_get("/page/").status_code == 200
    request_id = latest()
    try:
        assert stats_of("PerfkitQueriesPanel", request_id)["head"]["statements"] == 3
        for name in NAMES:
            assert panel_of(name, request_id).nav_subtitle
            assert "see the log" not in content_of(name, request_id)
    finally:
        from debug_toolbar.store import get_store

        get_store().clear()


@pytest.mark.parametrize("store", [MEMORY, CACHE])
def test_two_stores_work_under_asgi(toolbar: Any, store: str) -> None:
    """On the event loop neither of these asks a database."""
    listing(toolbar, HISTORY, *PANELS, TOOLBAR_STORE_CLASS=store)
    assert async_get("/calm/").status_code == 200
    assert stats_of("PerfkitRequestsPanel")["has_view"] is True


def test_the_database_store_under_asgi_is_the_toolbars_own_failure(
    toolbar: Any, history_table: Any
) -> None:
    """The toolbar asks the database on the event loop before any panel runs; a check says what to set."""
    listing(toolbar, HISTORY, TOOLBAR_STORE_CLASS=DATABASE)
    assert async_get("/calm/").status_code == 500  # with none of our panels
    listing(toolbar, HISTORY, *PANELS, TOOLBAR_STORE_CLASS=DATABASE)
    assert async_get("/calm/").status_code == 500
    assert told() == []
    toolbar.ASGI_APPLICATION = "site.asgi.application"
    ((name, message),) = told()
    assert name == "perfkit.W017"
    assert "SynchronousOnlyOperation" in message


def test_panels_that_stand_alone_work(toolbar: Any) -> None:
    """A site may list one of the five: its script, style and views are there."""
    listing(toolbar, PANELS[3])
    assert sync_get("/cached/").status_code == 200
    assert "product:*:name" in content_of(NAMES[3])
    assert told() == []
