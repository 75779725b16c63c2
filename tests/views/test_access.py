"""Who sees what: staff with the permission their own captures; everybody else a 404, whatever they ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404
from django.test import Client, RequestFactory

from perfkit.profiling.capture import Node, StackSample
from perfkit.store import captures
from perfkit.views.assets import version_of_all
from perfkit.views.listing import captures as list_page
from tests.views import made, site
from tests.views.conftest import post, staff

PAGES = (
    "/perfkit/",
    "/perfkit/captures/plain/",
    "/perfkit/captures/plain/export/json/",
    "/perfkit/diff/plain/mended/",
    "/perfkit/diff/?before=plain&after=mended",
    "/perfkit/requests/1/",
    f"/perfkit/assets/{version_of_all()}/capture.js",
)
FORMS = (
    "/perfkit/start/",
    "/perfkit/orders/",
    "/perfkit/orders/waits/cancel/",
    "/perfkit/captures/plain/delete/",
)


@pytest.mark.parametrize("url", PAGES)
def test_its_owner_sees_a_page(client: Client, url: str) -> None:
    """Each page answers, or goes on to one that does."""
    assert client.get(url, follow=True).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"allowed": False},
        {"is_staff": False},
        {"is_active": False},
        {"is_staff": False, "is_superuser": True},
        None,
    ],
    ids=["no-permission", "no-staff", "inactive", "superuser-without-staff", "anonymous"],
)
@pytest.mark.parametrize("csrf", [True, False])
def test_everybody_else_gets_a_404(
    db: None, store: dict[str, Any], settings: Any, fields: dict[str, Any] | None, csrf: bool
) -> None:
    """Without the permission no URL exists: no redirect to a login, no 403, no 405, with any method."""
    if csrf:
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
    browser = Client(enforce_csrf_checks=True)
    if fields is not None:
        browser.force_login(staff(9, **fields))
    answers = {browser.get(url).status_code for url in (*PAGES, *FORMS)}
    answers |= {browser.post(url).status_code for url in (*PAGES, *FORMS)}
    answers |= {browser.delete(url).status_code for url in (*PAGES, *FORMS)}
    assert answers == {404}


def test_a_site_without_users_has_no_pages(
    db: None, store: dict[str, Any], rf: RequestFactory
) -> None:
    """Where nothing sets request.user, nobody is allowed."""
    for user in (None, AnonymousUser()):
        request = rf.get("/perfkit/")
        if user is not None:
            request.user = user
        with pytest.raises(Http404):
            list_page(request)


@pytest.mark.parametrize("name", ["others", "gone", "x" * 500, "%00", "\u2028", "..%2f..%2fetc"])
def test_what_is_not_mine_does_not_exist(client: Client, name: str) -> None:
    """Another user's capture and one that never was look the same, on every page."""
    base = f"/perfkit/captures/{name}/"
    for url in (
        base,
        f"{base}export/json/",
        f"/perfkit/diff/{name}/plain/",
        f"/perfkit/diff/plain/{name}/",
    ):
        assert client.get(url).status_code == 404
    assert post(client, f"{base}delete/").status_code == 404
    assert "somebody" not in client.get("/perfkit/").content.decode()


def test_anothers_capture_survives(client: Client, store: dict[str, Any]) -> None:
    """Nobody deletes what is somebody else's; one's own and nobody's go."""
    post(client, "/perfkit/captures/others/delete/")
    assert captures.read(store, "others") is not None
    for name in ("plain", "nobodys"):
        assert post(client, f"/perfkit/captures/{name}/delete/").status_code == 302
        assert captures.read(store, name) is None


def test_a_capture_of_code_is_everybodys_who_may(db: None, store: dict[str, Any]) -> None:
    """Captures without an owner are shown to all who are allowed."""
    browser = Client()
    browser.force_login(staff(11))
    assert browser.get("/perfkit/captures/nobodys/").status_code == 200
    assert browser.get("/perfkit/captures/plain/").status_code == 404


def test_a_damaged_capture_is_none(client: Client, store: dict[str, Any]) -> None:
    """An index that leads nowhere is a 404, not an error."""
    whole = made.profile()
    late = (StackSample(0.0, float("inf"), 0),)
    for place, profile in enumerate(
        (
            replace(whole, nodes=(Node(0, 0, 1),)),
            replace(whole, nodes=(Node(-1, 99, 1),)),
            replace(whole, nodes=()),
            replace(whole, nodes=(Node("x", 0, 1),)),  # type: ignore[arg-type]  # as damaged
            replace(whole, samples=late),
        )
    ):
        site.save(store, made.capture(id=f"damaged{place}", owner=site.OWNER, profile=profile))
        assert client.get(f"/perfkit/captures/damaged{place}/").status_code == 404


@pytest.mark.parametrize("url", FORMS)
@pytest.mark.parametrize("middleware", [True, False])
def test_a_form_needs_its_token(client: Client, settings: Any, url: str, middleware: bool) -> None:
    """POST without a CSRF token is refused, with Django's middleware and without it; GET is no way."""
    if middleware:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    assert client.post(url).status_code == 403
    assert client.post(url, {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert client.get(url).status_code == 405
    assert post(client, url).status_code in (302, 400)


def test_pages_are_not_kept(client: Client) -> None:
    """No cache and no history of a browser may hold a page or an export."""
    for url in PAGES[:6]:
        answer = client.get(url)
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"


def test_the_permission_is_one_that_migrate_makes(db: None) -> None:
    """An administrator finds it among the others, and a superuser of the staff has it."""
    user = User.objects.create_superuser("root")
    assert user.has_perm("perfkit.capture_profile")
