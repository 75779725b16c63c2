"""A site with the toolbar as its documentation says, perfkit below it, and its five panels."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connections
from django.urls import clear_url_caches, path

from perfkit_panels import PANELS, phases
from perfkit_panels.recent import recent
from tests.panels import toolbar_site
from tests.seen import Seen

TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
PERFKIT = "perfkit.middleware.PerfkitMiddleware"
ANALYZERS = (
    "tests.seen.listen",
    "perfkit.analyzers.nplusone.analyze",
    "perfkit.analyzers.duplicates.analyze",
)


def forget() -> None:
    """Have the toolbar read its settings and panels anew."""
    from debug_toolbar import settings as toolbar_settings
    from debug_toolbar.store import MemoryStore
    from debug_toolbar.toolbar import DebugToolbar

    toolbar_settings.get_config.cache_clear()
    toolbar_settings.get_panels.cache_clear()
    DebugToolbar._panel_classes = DebugToolbar._urlpatterns = None
    MemoryStore.clear()
    recent.clear()
    phases.uninstall()
    clear_url_caches()


def listing(settings: Any, *panels: str, **config: Any) -> None:
    """Give the toolbar these panels, and further keys of its settings."""
    from debug_toolbar.toolbar import DebugToolbar, debug_toolbar_urls

    settings.DEBUG_TOOLBAR_PANELS = list(panels)
    settings.DEBUG_TOOLBAR_CONFIG = {
        "IS_RUNNING_TESTS": False,
        "SHOW_TOOLBAR_CALLBACK": "debug_toolbar.middleware.show_toolbar",
        **config,
    }
    forget()
    for panel in DebugToolbar.get_panel_classes() or ():
        panel.ready()
    # The toolbar's URLs are a module that reads the panels once, and its package has a tuple of that name.
    import_module("debug_toolbar.urls").urlpatterns = DebugToolbar.get_urls()
    toolbar_site.urlpatterns[:] = [
        *(path(route, view) for route, view in toolbar_site.PAGES.items()),
        *debug_toolbar_urls(),
    ]
    clear_url_caches()


def unwrap() -> None:
    """Take the toolbar's cursors off: after a request that failed in the toolbar they go on logging."""
    for connection in connections.all(initialized_only=True):
        for name in ("cursor", "chunked_cursor"):
            if hasattr(connection, f"_djdt_{name}"):
                vars(connection).pop(name, None)
                delattr(connection, f"_djdt_{name}")


@pytest.fixture(autouse=True)
def toolbar(settings: Any, seen: Seen) -> Iterator[Any]:
    """Set the site up; afterwards the toolbar knows nothing of it."""
    settings.DEBUG = True
    settings.INTERNAL_IPS = ["127.0.0.1"]
    settings.STATIC_URL = "/static/"
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "django.contrib.staticfiles",
        "debug_toolbar",
    ]
    settings.MIDDLEWARE = [TOOLBAR, PERFKIT]
    settings.ROOT_URLCONF = toolbar_site.__name__
    listing(settings, "debug_toolbar.panels.history.HistoryPanel", *PANELS)
    seen.configure(ANALYZERS=ANALYZERS)
    yield settings
    forget()
    unwrap()
