"""Verdicts other than a cache around the page, side effects that are no statements, caches that are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.mail import send_mail
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.views.decorators.cache import cache_page

from perfkit.caching.advice import CacheAdvice
from perfkit.caching.backend import BackendFacts
from perfkit.capture import sql
from tests.caching.behaviors.world import CLOCK, Visit, at_random, judge, population, spend, world
from tests.caching.site import USUAL

pytestmark = pytest.mark.django_db

HERE = __name__
PAGE = "<p>What everybody may read, and does.</p>" * 20


class Slow:
    """Works as long as a middleware should not, around every view."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        spend(40)
        return self.get_response(request)


class Naming(Slow):
    """Names in a header who asks, by something that shows nowhere."""

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        response = super().__call__(request)
        response.headers["X-Account"] = request.META["REMOTE_ADDR"]
        return response


def visited(
    view: Any,
    folder: Path,
    middleware: Sequence[str] = USUAL,
    *,
    count: int = 400,
    hours: float = 2.0,
    members: float = 0.5,
    more: Callable[[Random, Sequence[Any]], list[Visit]] = lambda rng, people: [],
    views: dict[str, Any] | None = None,
    setting: dict[str, Any] | None = None,
    **settings: Any,
) -> CacheAdvice:
    """Let people visit one page, and return what is said of it."""
    rng = Random(31)
    people = population(60, rng, members)
    cache.clear()
    with world({"page/": view, **(views or {})}, folder, middleware, **settings) as made:
        made.run([*at_random(rng, count, hours, people, "/page/"), *more(rng, people)])
        return judge(made.site.events(), **(setting or {}))["/page/"]


def quick(request: HttpRequest) -> HttpResponse:
    """The same for all, and hardly any work."""
    spend(1)
    return HttpResponse(PAGE)


def test_a_cdn_where_the_middlewares_take_the_time(tmp_path: Path) -> None:
    """A cache at the view would save a millisecond, and one in front of it all forty."""
    told = visited(quick, tmp_path, (*USUAL, f"{HERE}.Slow"), members=0.2, count=360)
    assert (told.verdict, told.reasons[0]) == ("cdn", "same_for_all"), told.reasons
    assert "public" in told.reasons
    assert "s_maxage=" in told.code
    assert told.predicted is not None
    assert told.predicted.saved_seconds_per_hour > 3


def test_no_cdn_where_a_middleware_says_who_asks(tmp_path: Path) -> None:
    """The body is the same for all, and what leaves the site is not."""
    told = visited(quick, tmp_path, (*USUAL, f"{HERE}.Naming"), members=0.2, count=360)
    assert told.verdict == "not_worth_it", told.reasons


def mine(request: HttpRequest) -> HttpResponse:
    """All of it is one's own."""
    spend(5)
    return HttpResponse(f"{time.time()} {request.user}")


def test_sessions_in_the_cache_where_they_are_read_from_the_database(tmp_path: Path) -> None:
    """The page is nobody else's; what can be saved is a SELECT with each request."""
    told = visited(
        mine, tmp_path, count=300, members=1.0, setting={"hours": 1 / 600, "backend": BackendFacts("redis", hit_ms=0.001)},
        SESSION_ENGINE="django.contrib.sessions.backends.db",
    )  # fmt: skip
    assert (told.verdict, told.reasons[0]) == ("cached_sessions", "session_in_database")
    assert "cached_db" in told.code
    assert told.evidence["session_reads_per_hour"] >= 300 * 600
    seldom = visited(
        mine, tmp_path, count=300, members=1.0,
        SESSION_ENGINE="django.contrib.sessions.backends.db",
    )  # fmt: skip
    assert seldom.verdict == "not_worth_it", "some milliseconds an hour are not"


@pytest.fixture
def slow_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a SELECT that takes thirty milliseconds of the tests' clock."""
    from tests.library.models import Note

    def work(milliseconds: int) -> int:
        spend(milliseconds)
        return 1

    monkeypatch.setattr(sql, "perf_counter", CLOCK)
    Note.objects.create(text="x")
    connection.ensure_connection()
    connection.connection.create_function("work", 1, work)


def of_a_query(request: HttpRequest) -> HttpResponse:
    """One costly SELECT, always with the same parameters, in a page that says who reads it."""
    from tests.library.models import Note

    rows = list(Note.objects.raw("SELECT id, text FROM library_note WHERE work(%s) = 1", [30]))
    spend(2)
    return HttpResponse(f"{time.time()} {len(rows)} {request.user}")


def writing(request: HttpRequest) -> HttpResponse:
    """What changes that table."""
    from tests.library.models import Note

    Note.objects.update(text=str(time.time()))
    return HttpResponse("thanks")


@pytest.mark.parametrize(("writes", "verdict"), [(5, "low_level"), (1_500, "do_not_cache")])
def test_one_query_that_repeats(
    writes: int, verdict: str, slow_table: None, tmp_path: Path
) -> None:
    """It is worth keeping where its table changes seldom; writes of other routes count."""

    def posts(rng: Random, people: Sequence[Any]) -> list[Visit]:
        return [
            Visit(7_200.0 * at / writes, people[0], "/write/", method="POST")
            for at in range(writes)
        ]

    from django.views.decorators.csrf import csrf_exempt

    told = visited(
        of_a_query, tmp_path, count=350, more=posts, views={"write/": csrf_exempt(writing)}
    )
    assert told.verdict == verdict, told.reasons
    if verdict == "low_level":
        assert told.reasons == ("query_repeats",)
        assert "get_or_set" in told.code


def feed(request: HttpRequest) -> HttpResponse:
    """What few programs poll."""
    spend(30)
    return HttpResponse(PAGE)


def test_few_readers_that_ask_again_for_what_they_have(tmp_path: Path) -> None:
    """Too few to share it; a 304 gives nobody another one's page, unless the view looks who asks."""

    def polls(rng: Random, people: Sequence[Any]) -> list[Visit]:
        few = [each for each in people if each.is_anonymous][:4]
        headers = {"HTTP_IF_NONE_MATCH": '"1"'}
        return at_random(rng, 120, 2.0, few, "/page/", headers=lambda *_: headers)

    told = visited(feed, tmp_path, count=0, more=polls)
    assert (told.verdict, told.reasons) == ("conditional", ("revalidates",))

    def looking(request: HttpRequest) -> HttpResponse:
        spend(30)
        return HttpResponse(PAGE * (1 + request.user.is_anonymous))

    assert visited(looking, tmp_path, count=0, more=polls).verdict == "not_enough_evidence"


def counts_in_cache(request: HttpRequest) -> HttpResponse:
    """A counter of its readers."""
    cache.get_or_set("readers", 0)
    cache.incr("readers")
    return HttpResponse(PAGE)


def sends_mail(request: HttpRequest) -> HttpResponse:
    """Tells somebody of each reader."""
    send_mail("read", "again", "a@example.com", ["b@example.com"])
    return HttpResponse(PAGE)


def remembers_in_cache(request: HttpRequest) -> HttpResponse:
    """Writes down there who came last, and asks nothing of it."""
    cache.set("last", request.META["REMOTE_ADDR"])
    return HttpResponse(PAGE)


@pytest.mark.parametrize(
    ("view", "slug", "told_as"),
    [
        (counts_in_cache, "cache_written", "INCR cache default"),
        (remembers_in_cache, "cache_written", "SET cache default"),
        (sends_mail, "mail_sent", "SEND mail"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_side_effects_that_are_no_statements(
    view: Any, slug: str, told_as: str, tmp_path: Path
) -> None:
    """A hit would leave them out."""
    # From 6.1 on a site has to say how it sends mail; earlier ones do not know the setting.
    mailers = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    told = visited(view, tmp_path, count=30, MAILERS=mailers)
    assert (told.verdict, told.reasons) == ("do_not_cache", (slug,))
    assert list(told.evidence["writes_per_hour"]) == [told_as]
    assert len(mail.outbox) == (30 if slug == "mail_sent" else 0)


def test_files_that_are_saved(tmp_path: Path) -> None:
    """As a report that is made anew with each request."""
    storage = FileSystemStorage(tmp_path / "files")

    def saves(request: HttpRequest) -> HttpResponse:
        storage.save("report.txt", ContentFile(b"x"))
        return HttpResponse(PAGE)

    told = visited(saves, tmp_path, count=20)
    assert (told.verdict, told.reasons) == ("do_not_cache", ("file_saved",))


def keeps_in_cache(request: HttpRequest) -> HttpResponse:
    """Keeps what it has not found, in three ways."""
    spend(30)
    cache.get_or_set("rows", 1, 60)
    if cache.get("more") is None:
        cache.set("more", 2, 60)
    part = engines["django"].from_string("{% load cache %}{% cache 60 part %}x{% endcache %}")
    return HttpResponse(PAGE + part.render({}, request))


def test_what_a_view_keeps_for_itself_is_no_side_effect(tmp_path: Path) -> None:
    """A hit needs none of it."""
    assert visited(keeps_in_cache, tmp_path, count=360).verdict == "cache_page"


def test_a_cache_around_the_whole_site_tells_its_hits(tmp_path: Path) -> None:
    """No view is called then; the route is looked up afterwards, as the site has it."""
    around = "django.middleware.cache"
    middleware = (
        f"{around}.UpdateCacheMiddleware", *USUAL, f"{around}.FetchFromCacheMiddleware",
    )  # fmt: skip
    asked: list[int] = []

    def page(request: HttpRequest) -> HttpResponse:
        spend(30)
        asked.append(1)
        return HttpResponse(PAGE)

    told = visited(page, tmp_path, middleware, CACHE_MIDDLEWARE_SECONDS=300)
    assert told.evidence["requests"] == 400
    assert told.evidence["hit_ratio_now"] == pytest.approx(1 - len(asked) / 400, abs=0.001)
    assert told.reasons[0] == "already_cached"
    assert len(asked) < 60


def _cached(timeout: int, changes_s: float, ms: float = 30) -> Any:
    @cache_page(timeout)
    def view(request: HttpRequest) -> HttpResponse:
        spend(ms)
        return HttpResponse(f"{int(time.time() // changes_s)}" + PAGE)

    return view


@pytest.mark.parametrize(
    ("timeout", "changes_s", "slug"),
    [
        (900, 600, "shorten_timeout"),
        (5, 1e9, "remove_cache"),
        (15, 1e9, "lengthen_timeout"),
        (60, 6_000, None),
    ],
)
def test_a_timeout_that_is_there(
    timeout: int, changes_s: float, slug: str | None, tmp_path: Path
) -> None:
    """Too long for what changes, too short for what does not, of no use, or right."""
    told = visited(_cached(timeout, changes_s), tmp_path, count=700, hours=6.0)
    assert told.verdict == "cache_page"
    assert told.reasons == tuple(filter(None, ("already_cached", slug))), told.timeout
    if slug == "shorten_timeout":
        assert told.timeout is not None
        assert told.timeout < timeout
    if slug == "lengthen_timeout":
        assert told.timeout is not None
        assert told.timeout > timeout
