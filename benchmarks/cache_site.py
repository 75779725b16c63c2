"""Fourteen views whose costs, changes and readers are known, and the site that they make.

A view works for so many virtual seconds, says what its content is at the time, and to whom it says it.
``cached`` tells under which decorators the views run: none while the advisor looks on, Django's real
ones afterwards. ``ran`` counts who was really answered by a view.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from cache_clock import Clock
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.cache import patch_vary_headers

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
MIDDLEWARE = (SESSIONS, CSRF)
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "validation",
    "ALLOWED_HOSTS": ["*"],
    "INSTALLED_APPS": ["perfkit"],
    "ROOT_URLCONF": "cache_site",
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "USE_TZ": True,
    "USE_I18N": False,
    "LOGGING_CONFIG": None,
}

#: Text to fill pages with: letters that compress about as well as HTML does.
_WORDS = "".join(random.Random(7).choices("abcdefghij     <p>", k=400_000)).encode()

View = Callable[..., HttpResponse]


class Site:
    """What the views share; one in a process.

    Attributes:
        clock: lets their time go by.
        cached: (name of the view, worker) -> the view as it is cached there.
    """

    clock: Clock
    cached: Callable[[str, int], View]


def page(seed: str, bytes_: int) -> bytes:
    """Make a body that says a thing; other things make other bodies."""
    digest = blake2b(seed.encode(), digest_size=8).digest()
    begin = int.from_bytes(digest, "little") % (len(_WORDS) - bytes_)
    return f"<h1>{seed}</h1>".encode() + _WORDS[begin : begin + bytes_]


def draw(*seed: object) -> float:
    """Return a number from 0 to 1 that hangs on the seed alone."""
    digest = blake2b(repr(seed).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def version(name: str, number: int, every_s: float) -> int:
    """Return which version of a page is in force: they follow one another at their own pace."""
    pace = every_s * (0.5 + draw(name, number))
    return int(Site.clock.now / pace + draw("phase", name, number))


def work(milliseconds: float) -> None:
    Site.clock.work(milliseconds / 1000)


def home(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"home {version('home', number, 600)}", 18_000)
    work(120)
    return HttpResponse(said)


def about(request: HttpRequest, number: int) -> HttpResponse:
    work(15)
    return HttpResponse(page(f"about {number}", 6_000))


def article(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"article {number} {version('article', number, 20_000)}", 9_000 + number % 50 * 400)
    work(20 + 180 * draw("cost", number))
    return HttpResponse(said)


def product(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"product {number} {version('product', number, 400)}", 14_000)
    work(80)
    return HttpResponse(said)


def listing(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"list {number} {version('list', number, 1_800)}", 25_000)
    work(150 + 10 * number)
    return HttpResponse(said)


def search(request: HttpRequest) -> HttpResponse:
    work(300)
    return HttpResponse(page(f"search {request.GET['q']}", 11_000))


def greeting(request: HttpRequest, number: int) -> HttpResponse:
    work(60)
    return HttpResponse(page(f"hello {request.session.get('name', 'you')}", 4_000))


def account(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"account {number} {request.session.get('name', '')}", 5_000)
    work(150)
    response = HttpResponse(said)
    patch_vary_headers(response, ["Cookie"])  # what vary_on_cookie does
    return response


def landing(request: HttpRequest, number: int) -> HttpResponse:
    work(30)
    return HttpResponse(page(f"landing {number}", 22_000))


def feed(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"feed {number} {version('feed', number, 60)}", 200_000)
    work(500)
    return HttpResponse(said, content_type="application/json")


def report(request: HttpRequest, number: int) -> HttpResponse:
    said = page(f"report {number} {version('report', number, 3_600)}", 30_000)
    work(3_000)
    return HttpResponse(said)


def form(request: HttpRequest, number: int) -> HttpResponse:
    work(10)
    token = f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">'
    return HttpResponse(page(f"form {number}", 3_000) + token.encode())


def partial(request: HttpRequest, number: int) -> HttpResponse:
    whole = "HX-Request" not in request.headers
    said = page(
        f"partial {whole} {number} {version('partial', number, 900)}", 12_000 if whole else 2_000
    )
    work(90 if whole else 40)
    response = HttpResponse(said)
    patch_vary_headers(response, ["HX-Request"])
    return response


def flaky(request: HttpRequest, number: int) -> HttpResponse:
    work(70)
    if draw("flaky", Site.clock.now) < 0.2:
        return HttpResponse("sorry", status=500)
    return HttpResponse(page(f"flaky {number}", 8_000))


def moved(request: HttpRequest, number: int) -> HttpResponse:
    work(5)
    return HttpResponseRedirect("/home/0/")


def missing(request: HttpRequest, number: int) -> HttpResponse:
    work(8)
    raise Http404


VIEWS: dict[str, View] = {
    "home": home, "about": about, "article": article, "product": product, "list": listing,
    "search": search, "greeting": greeting, "account": account, "landing": landing, "feed": feed,
    "report": report, "form": form, "partial": partial, "flaky": flaky, "moved": moved,
    "missing": missing,
}  # fmt: skip


def counted(view: View) -> View:
    """Note that a view has really run, and what it took."""

    def runs(request: HttpRequest, **values: Any) -> HttpResponse:
        started = Site.clock.now
        try:
            return view(request, **values)
        finally:
            request.META["validation.view_s"] = Site.clock.now - started

    return runs


def _entry(name: str) -> View:
    def entry(request: HttpRequest, **values: Any) -> HttpResponse:
        return Site.cached(name, request.META["validation.worker"])(request, **values)

    return entry


urlpatterns = [
    path("search/", _entry("search")),
    *(path(f"{name}/<int:number>/", _entry(name)) for name in VIEWS if name != "search"),
]
