"""The probe: what is noted of an answer, at both places, without touching it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import translation

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


def missing(request: HttpRequest) -> HttpResponse:
    """There is none."""
    raise Http404("secret")


def denied(request: HttpRequest) -> HttpResponse:
    """Not for everybody."""
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    """Fails."""
    raise ValueError("secret")


@pytest.mark.parametrize(("view", "status"), [(missing, 404), (denied, 403), (broken, 500)])
def test_a_view_that_raises_is_a_refusal(
    view: Any, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Django answers in its place: without an event nobody knew that some may not see the page."""
    with site((path("page/", view),), monkeypatch, _store(tmp_path), *USUAL) as made:
        made.get(made.client(), "/page/")
        (event,) = made.events()
    assert event.status == status
    assert event.inner is not None
    assert not event.inner.stored
    assert event.view_ms >= 0.0


def test_headers_of_an_answer_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The body is the same: a link, a language, an ETag make another answer; a date does not."""
    given: dict[str, str] = {}

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("same", headers=given)

    told = []
    with site((path("page/", view),), monkeypatch, _store(tmp_path), *USUAL) as made:
        client = made.client()
        for name, value in (("", ""), ("Date", "now"), ("ETag", '"1"'), ("ETag", '"2"'), ("Link", "</a>"), ("Content-Language", "de")):  # fmt: skip
            given.clear()
            if name:
                given[name] = value
            made.get(client, "/page/")
        told = [event.headers for event in made.events()]
    assert told[0] == told[1]
    assert len(set(told[1:])) == 5


def test_the_language_in_force_before_the_view_is_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A view that puts another one in force answers under the key of the one before."""

    def view(request: HttpRequest) -> HttpResponse:
        translation.activate(request.GET["to"])
        return HttpResponse("page")

    with (
        translation.override("en"),
        site((path("page/", view),), monkeypatch, _store(tmp_path), *USUAL, USE_I18N=True) as made,
    ):
        client = made.client()
        for language in ("en", "de", "fr"):
            translation.activate("en")
            made.get(client, f"/page/?to={language}")
            translation.activate("en")
        events = made.events()
    languages = {dict(event.attributes)["language"] for event in events}
    assert len(languages) == 1


@pytest.mark.parametrize("who", [ANONYMOUS, USER, STAFF])
def test_a_user_of_rest_framework(who: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Its request sets the user on Django's, which no session tells of."""
    from django.contrib.auth.models import AnonymousUser
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Token(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            if who == ANONYMOUS:
                return AnonymousUser(), None
            return User(pk=5, username="api", is_staff=who == STAFF), None

    class Mine(APIView):
        authentication_classes = (Token,)

        def get(self, request: Any) -> Any:
            return Response({"name": request.user.username})

    with site((path("api/", Mine.as_view()),), monkeypatch, _store(tmp_path), *USUAL) as made:
        made.get(made.client(), "/api/", HTTP_AUTHORIZATION="Token secret")
        (event,) = made.events()
    assert (event.audience, event.user_read, event.has_session) == (who, True, True)


def test_an_async_view_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A cache around it would be asked in the event loop."""

    async def awaited(request: HttpRequest) -> HttpResponse:
        return HttpResponse("page")

    urls = (path("page/", awaited), path("plain/", plain))
    with site(urls, monkeypatch, _store(tmp_path)) as made:
        made.get(made.client(), "/page/")
        made.get(made.client(), "/plain/")
        assert [event.awaited for event in made.events()] == [True, False]


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [("X-Frame-Options", "DENY", True), ("X-Account", "7", False), ("Set-Cookie-Not", "", False)],
)
def test_what_middlewares_add_is_told(
    name: str, value: str, same: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The client gets what the view made, unless somebody could be named in a header."""
    monkeypatch.setattr(Adding, "header", (name, value))
    with site(
        (path("plain/", plain),), monkeypatch, _store(tmp_path), f"{__name__}.Adding"
    ) as made:
        made.get(made.client(), "/plain/")
        (event,) = made.events()
    assert event.same_body is same


class Adding:
    """Adds a header to every answer."""

    header = ("", "")

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        response = self.get_response(request)
        response.headers[self.header[0]] = self.header[1]
        return response


def test_two_requests_are_alike_only_when_all_that_shows_is(served: Site) -> None:
    """Network, browser and headers; not what is new with every request."""
    client = served.client()
    for more in (
        {},
        {"HTTP_X_REQUEST_ID": "1"},
        {"HTTP_REFERER": "https://a.example/"},
        {"REMOTE_ADDR": "192.0.2.9"},
    ):
        served.get(client, "/plain/", **more)
    told = [dict(event.attributes) for event in served.events()]
    headers = [each["headers"] for each in told]
    network = [each["network"] for each in told]
    assert headers[0] == headers[1] != headers[2]
    assert network[0] == network[1] == network[2] != network[3]


def _store(folder: Any) -> dict[str, str]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "store.sqlite3")}
