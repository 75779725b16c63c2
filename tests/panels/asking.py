"""Ways to ask: a page under WSGI and ASGI, a panel's content, one of the panels' own views."""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from perfkit_panels import PANELS

#: Names of the five panels.
NAMES = tuple(panel.rpartition(".")[2] for panel in PANELS)


def sync_get(url: str, **headers: str) -> Any:
    """Ask under WSGI."""
    return Client(raise_request_exception=False).get(url, headers=headers)


def async_get(url: str, **headers: str) -> Any:
    """Ask under ASGI."""
    client = AsyncClient(raise_request_exception=False, REMOTE_ADDR="127.0.0.1")
    return async_to_sync(client.get)(url, headers=headers)


def latest() -> str:
    """Return the id of the request that the toolbar stored last."""
    from debug_toolbar.store import get_store

    return str(list(get_store().request_ids())[-1])


def panel_of(name: str, request_id: str = "") -> Any:
    """Load a panel as the history does: from the toolbar's store, without a request."""
    from debug_toolbar.toolbar import DebugToolbar

    loaded = DebugToolbar.fetch(request_id or latest(), name)
    assert loaded is not None
    return loaded.get_panel_by_id(name)


def stats_of(name: str, request_id: str = "") -> dict[str, Any]:
    """Return what a panel has stored, as it comes out of the store."""
    stats: dict[str, Any] = panel_of(name, request_id).get_stats()
    return stats


def content_of(name: str, request_id: str = "") -> str:
    """Ask for a panel's content as the browser does."""
    query = {"request_id": request_id or latest(), "panel_id": name}
    response = Client().get("/__debug__/render_panel/", query)
    assert response.status_code == 200
    return str(response.json()["content"])


def asked(view: str, client: Client | None = None, **data: Any) -> str:
    """Return what a view of ours that is read answers."""
    response = (client or Client()).get(f"/__debug__/perfkit/{view}/", data)
    assert response.status_code == 200, response.content
    return str(json.loads(response.content)["content"])


def posted(view: str, client: Client | None = None, **data: Any) -> str:
    """Return what a view of ours that is posted to answers; the test's client needs no token."""
    response = (client or Client()).post(f"/__debug__/perfkit/{view}/", data)
    assert response.status_code == 200, response.content
    return str(json.loads(response.content)["content"])
