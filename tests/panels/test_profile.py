"""The panel of profiles: who may capture, the token that is given, and the captures there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from perfkit.conf import get_settings
from perfkit.profiling.capture import ENGINES, PAGE, SAMPLER, Capture, Profile
from perfkit.store import captures
from tests.panels.asking import asked, content_of, latest, panel_of, posted, stats_of, sync_get
from tests.panels.conftest import PERFKIT, TOOLBAR

pytestmark = pytest.mark.django_db

PANEL = "PerfkitProfilePanel"
COOKIE = "perfkit_capture"


@pytest.fixture
def staff(toolbar: Any) -> Client:
    """Log a superuser in."""
    toolbar.MIDDLEWARE = [
        TOOLBAR,
        PERFKIT,
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    return client


def test_the_panel_offers_every_engine() -> None:
    """The page, its method and the engines are there; the list is loaded when it is looked at."""
    sync_get("/page/")
    content = content_of(PANEL)
    for engine in ENGINES:
        assert f'value="{engine}"' in content
    assert stats_of(PANEL)["path"] == "/page/"
    assert "/__debug__/perfkit/captures/" in content
    assert panel_of(PANEL).nav_subtitle == "capture this page"


def test_whoever_may_not_capture_is_told_what_it_takes() -> None:
    """Seeing the toolbar is not enough: a capture is for staff with the permission."""
    sync_get("/page/")
    assert "perfkit.capture_profile" in posted("capture", request_id=latest(), engine=SAMPLER)
    assert "perfkit.capture_profile" in asked("captures", request_id=latest())


def test_a_capture_is_started_and_then_listed(staff: Client) -> None:
    """The browser gets a token out of reach of scripts; the captures of the route are listed."""
    staff.get("/page/")
    data = {"request_id": latest(), "engine": SAMPLER}
    response = staff.post("/__debug__/perfkit/capture/", data)
    assert "is captured" in response.json()["content"]
    assert response.json()["path"] == "/page/"
    cookie = response.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert "None yet." in asked("captures", staff, request_id=latest())


def test_the_captures_of_the_route_are_listed(staff: Client, django_db_blocker: Any) -> None:
    """One's own, and those of nobody; not another user's, not another route's."""
    owner = str(User.objects.get().pk)
    settings = get_settings()
    plain = Capture(
        "a", SAMPLER, PAGE, owner, "/page/", "GET", 200, "/page/", 1.7e9, 12.5, Profile()
    )
    for capture in (
        plain,
        replace(plain, id="b", owner="someone else"),
        replace(plain, id="c", name="/page/of/another/"),
    ):
        captures.save(settings.store or {}, capture, settings)
    staff.get("/page/")
    told = asked("captures", staff, request_id=latest())
    assert told.count("<tr>") == 2  # the heading, and one
    assert "12.5 ms" in told
    assert 'include("perfkit.urls")' in told.replace("&quot;", '"')


def test_what_cannot_be_captured_is_a_sentence(staff: Client, toolbar: Any) -> None:
    """An engine that is none, no store: why, in the panel."""
    staff.get("/page/")
    assert "No capture" in posted("capture", staff, request_id=latest(), engine="magic")
    toolbar.PERFKIT = {"STORE": False}
    assert "need a store" in asked("captures", staff, request_id=latest())


def test_what_became_of_a_capture_is_shown() -> None:
    """The header of the answer says it, and so does the panel's button."""
    sync_get("/page/")
    stats = {**stats_of(PANEL), "captured": "refused; another capture runs"}
    assert panel_of(PANEL).subtitle(stats) == "refused; another capture runs"
    assert panel_of(PANEL).subtitle({**stats, "captured": "x1"}) == "this request was captured"
