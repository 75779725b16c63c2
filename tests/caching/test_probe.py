"""The probe: what is noted of an answer, at both places, without touching it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path

from perfkit.caching.event import ANONYMOUS, STAFF, UNKNOWN, USER
from tests.caching.site import NOON, USUAL, Site, site

pytestmark = pytest.mark.django_db


def plain(request: HttpRequest) -> HttpResponse:
    """The same for everybody."""
    return HttpResponse("the same" * 100)


def token(request: HttpRequest) -> HttpResponse:
    """A form with a token."""
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">'
    return HttpResponse(field)


def greeting(request: HttpRequest) -> HttpResponse:
    """Another page for each user."""
    return HttpResponse(f"Hello {request.user}")


def rendered_late(request: HttpRequest) -> TemplateResponse:
    """A template that is rendered after the view."""
    return TemplateResponse(request, engines["django"].from_string("late {{ 1 }}"))


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Chunks."""
    return StreamingHttpResponse([b"a", b"b"])


def counting(request: HttpRequest) -> HttpResponse:
    """A page that writes whenever it is read."""
    User.objects.filter(username="nobody").update(first_name="x")
    return HttpResponse("counted")


URLS = SimpleNamespace(
    urlpatterns=[
        path(f"{view.__name__}/", view)
        for view in (plain, token, greeting, rendered_late, streamed, counting)
    ]
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Site]:
    """Serve the views with the middleware of a usual site."""
    store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "store.sqlite3")}
    with site(tuple(URLS.urlpatterns), monkeypatch, store, *USUAL) as made:
        yield made


def test_a_plain_page(served: Site) -> None:
    """Stored at both places, under one key, by nobody in particular."""
    response = served.get(served.client(), "/plain/", at=5)
    (event,) = served.events()
    assert response.headers.get("Vary") is None
    assert (event.at, event.route, event.method, event.status) == (NOON + 5, "/plain/", "GET", 200)
    assert event.inner is not None
    assert event.outer is not None
    assert event.inner.stored
    assert event.outer.stored
    assert event.inner.key == event.outer.key
    assert event.inner.varies_on == ()
    assert (event.audience, event.size, event.same_body) == (ANONYMOUS, 800, True)
    assert event.body == event.masked != 0
    assert not (event.session_read)
    assert not (event.user_read)
    assert not (event.csrf_used)
    assert not (event.streamed)


def test_equal_pages_have_equal_hashes_and_no_others(served: Site) -> None:
    """By body, by address, by who asks."""
    one, two = served.client(), served.client(HTTP_USER_AGENT="other")
    for client, url in ((one, "/plain/"), (two, "/plain/"), (one, "/plain/?a=1&utm_source=x"), (one, "/plain/?utm_medium=y&a=1")):  # fmt: skip
        served.get(client, url)
    first, second, third, fourth = served.events()
    assert first.body == second.body
    assert first.url == second.url != third.url != fourth.url
    assert third.bare_url == fourth.bare_url != first.bare_url
    assert first.path == third.path
    assert first.principal == third.principal != second.principal


def test_a_token_makes_no_difference_when_masked(served: Site) -> None:
    """The bodies differ, and say the same."""
    client = served.client()
    served.get(client, "/token/")
    served.get(client, "/token/")
    first, second = served.events()
    assert first.body != second.body
    assert first.masked == second.masked
    assert first.csrf_used
    assert first.inner is not None
    assert first.outer is not None
    assert first.inner.stored, "a decorator on the view stores it"
    assert not first.outer.stored, "the cookie comes with the middleware"


def test_who_asks(served: Site) -> None:
    """Logged in, staff or neither, by what the request itself has read."""
    member = User.objects.create_user("member")
    boss = User.objects.create_user("boss", is_staff=True)
    for user in (None, member, boss):
        client = served.client()
        if user is not None:
            client.force_login(user)
        served.events()
        served.get(client, "/greeting/")
        served.get(client, "/plain/")
        greeted, plain = served.events()
        expected = ANONYMOUS if user is None else STAFF if user is boss else USER
        assert (greeted.audience, plain.audience) == (expected, expected)
        assert greeted.user_read
        assert greeted.session_read
        assert not plain.user_read
        assert not plain.session_read
        assert greeted.principal == plain.principal
        assert greeted.session_selects == (0 if user is None else 1)
        assert greeted.inner is not None
        assert greeted.outer is not None
        assert greeted.inner.varies_on == ()
        assert greeted.outer.varies_on == ("cookie",)


def test_a_session_that_nobody_has_looked_into(served: Site) -> None:
    """It may be a member's or a visitor's cart: unknown, and never taken for anonymous."""
    client = served.client()
    client.cookies["sessionid"] = "made-elsewhere"
    served.get(client, "/plain/")
    (event,) = served.events()
    assert event.audience == UNKNOWN


def test_a_page_rendered_after_the_view(served: Site) -> None:
    """What counts is the page, not the template."""
    served.get(served.client(), "/rendered_late/")
    (event,) = served.events()
    assert event.size == len("late 1")
    assert event.inner is not None
    assert event.inner.stored


def test_a_stream_has_no_body(served: Site) -> None:
    """Django stores none either."""
    b"".join(served.get(served.client(), "/streamed/").streaming_content)
    (event,) = served.events()
    assert event.streamed
    assert event.body == 0
    assert event.inner is not None
    assert not event.inner.stored


def test_writes_are_told_by_table(served: Site) -> None:
    """A hit would drop them."""
    served.get(served.client(), "/counting/")
    (event,) = served.events()
    assert [tuple(write) for write in event.writes] == [("UPDATE", "auth_user", 1)]


def test_a_post_is_noted_for_what_it_writes_only(served: Site) -> None:
    """It is no candidate, but what it changes ends what a cache holds."""
    client = served.client()
    client.post("/counting/")
    client.post("/plain/")
    (event,) = served.events()
    assert (event.method, event.inner, event.url) == ("POST", None, 0)
    assert [write.table for write in event.writes] == ["auth_user"]


@pytest.mark.parametrize("page", ["plain", "token", "greeting", "rendered_late", "counting"])
def test_the_probe_changes_no_answer(
    served: Site, page: str, settings: Any, get_plainly: Callable[[str], Any]
) -> None:
    """Header for header, cookie for cookie."""
    with_probe = served.get(served.client(), f"/{page}/")
    without = get_plainly(f"/{page}/")
    assert list(with_probe.headers.items()) == list(without.headers.items())
    assert list(with_probe.cookies) == list(without.cookies)


@pytest.fixture
def get_plainly(settings: Any) -> Callable[[str], Any]:
    """Ask the same site without perfkit."""
    from django.test import Client, override_settings

    def get(url: str) -> Any:
        with override_settings(MIDDLEWARE=list(USUAL), ROOT_URLCONF=tuple(URLS.urlpatterns)):
            return Client().get(url)

    return get
