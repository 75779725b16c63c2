"""Views of the reference's list that hang on the address, on headers, on time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random, choice

from django.core.exceptions import ObjectDoesNotExist
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils.translation import get_language
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.vary import vary_on_headers

from perfkit.caching.backend import BackendFacts
from tests.caching.behaviors.behavior import FEW, MANY, anybody, behavior
from tests.caching.behaviors.world import Visit, Visitor, at_random, spend

PAGE = "<p>What everybody may read, and does.</p>" * 20
DAY = 24.0


@behavior(1, "cache_page", reasons=["same_for_all"], timeouts=(60, 900))
def static(request: HttpRequest) -> HttpResponse:
    """The same for everybody."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(2, "not_worth_it", site="days", visits=anybody("/seldom/", 9, 3 * DAY))
def seldom(request: HttpRequest) -> HttpResponse:
    """The same, three times a day."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(11, "cache_page", site="languages")
def translated(request: HttpRequest) -> HttpResponse:
    """In the language that was asked for."""
    spend(30)
    return HttpResponse(f"{get_language()}" + PAGE)


@behavior(14, "do_not_cache", reasons=["differs_each_time"], visits=anybody("/banner/", 600))
def banner(request: HttpRequest) -> HttpResponse:
    """One of six banners by chance."""
    spend(30)
    return HttpResponse(choice("abcdef") + PAGE)


@behavior(15, "do_not_cache")
def clock(request: HttpRequest) -> HttpResponse:
    """The time to the second."""
    spend(30)
    return HttpResponse(f"{int(time.time())}" + PAGE)


@behavior(
    16, "cache_page", site="days", timeouts=(5, 3600), visits=anybody("/today/", 1200, 2 * DAY)
)
def today(request: HttpRequest) -> HttpResponse:
    """Changes at midnight."""
    spend(300)
    return HttpResponse(time.strftime("%Y-%m-%d", time.gmtime(time.time())) + PAGE)


# With two changes an hour 1 % of the hits is out of date at 36 s: of the timeouts there are, 15 s is the
# longest. It takes 1,200 visits to bound the rate of change well enough to say so.
@behavior(17, "cache_page", timeouts=(5, 15), visits=anybody("/edited/", 1200))
def edited(request: HttpRequest) -> HttpResponse:
    """Edited twice an hour."""
    spend(30)
    return HttpResponse(f"version {int(time.time() // 1800)}" + PAGE)


@behavior(18, "fragment", reasons=["shared_parts"], visits=anybody("/stock/", 600, 0.5))
def stock(request: HttpRequest) -> HttpResponse:
    """A counter that changes every five seconds."""
    spend(30)
    return HttpResponse(f"{int(time.time() // 5)} left" + PAGE)


@behavior(
    19, "cache_page", reasons=["tracking_parameters"],
    visits=anybody(lambda rng: f"/landing/?utm_source={rng.randrange(10**6)}&gclid={rng.random()}"),
)  # fmt: skip
def landing(request: HttpRequest) -> HttpResponse:
    """A page that campaigns link to."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(
    20, "cache_page", reasons=["same_for_all"],
    visits=anybody(lambda rng: f"/pages/?page={min(int(rng.paretovariate(0.6)), 60)}", 700),
)  # fmt: skip
def pages(request: HttpRequest) -> HttpResponse:
    """Pages of a list, the first ones mostly."""
    spend(30)
    return HttpResponse(f"page {request.GET['page']}" + PAGE)


@behavior(21, "not_worth_it", visits=anybody(lambda rng: f"/search/?q={rng.randrange(10**9)}"))
def search(request: HttpRequest) -> HttpResponse:
    """Whatever somebody looks for."""
    spend(30)
    return HttpResponse(request.GET["q"] + PAGE)


def _any_order(rng: Random) -> str:
    pairs = [f"{name}={rng.randrange(2)}" for name in "abcdef"]
    rng.shuffle(pairs)
    return f"/filtered/?{'&'.join(pairs)}"


@behavior(22, "cache_page", reasons=["parameter_order"], visits=anybody(_any_order, 900))
def filtered(request: HttpRequest) -> HttpResponse:
    """A list by six filters, in whatever order they are given."""
    spend(30)
    return HttpResponse("".join(request.GET[name] for name in "abcdef") + PAGE)


@behavior(
    23, "cache_page", reasons=["tracking_parameters"],
    visits=anybody(lambda rng: f"/busted/?_={rng.randrange(10**9)}"),
)  # fmt: skip
def busted(request: HttpRequest) -> HttpResponse:
    """What scripts ask for with a time in the address."""
    spend(30)
    return JsonResponse({"page": PAGE})


def _posts(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    return [Visit(at * 20.0, rng.choice(people), "/posted/", {}, "POST") for at in range(100)]


@behavior(24, "do_not_cache", reasons=["unsafe_method"], visits=_posts)
@csrf_exempt
def posted(request: HttpRequest) -> HttpResponse:
    """Takes something in."""
    from tests.library.models import Note

    spend(30)
    Note.objects.create(text="x")
    return HttpResponse("thanks")


def _monitored(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    monitor = [Visit(at * 10.0, people[0], "/monitored/", {}, "HEAD") for at in range(720)]
    return monitor + at_random(rng, MANY, 2.0, people, "/monitored/")


@behavior(25, "cache_page", visits=_monitored)
def monitored(request: HttpRequest) -> HttpResponse:
    """Asked for by a monitor too."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(26, "do_not_cache", reasons=["streaming"], visits=anybody("/streamed/", 60))
def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """In chunks."""
    spend(30)
    return StreamingHttpResponse([b"a", b"b"])


@behavior(
    27, "do_not_cache", reasons=["sets_cookie"], site="carts", visits=anybody("/with_cookie/", FEW)
)
def with_cookie(request: HttpRequest) -> HttpResponse:
    """Sets a cookie, and no session."""
    spend(30)
    response = HttpResponse(PAGE)
    response.set_cookie("visited", "yes")
    return response


@behavior(28, "cache_page", reasons=["same_for_all"], site="saving", visits=anybody("/saved/", 560))
def saved(request: HttpRequest) -> HttpResponse:
    """A page of a site that saves every session with every request."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(29, "do_not_cache", reasons=["redirect"], visits=anybody("/moved/", 100))
def moved(request: HttpRequest) -> HttpResponse:
    """Sends everybody on."""
    spend(30)
    return HttpResponseRedirect("/static/")


@behavior(30, "do_not_cache", reasons=["not_found"], visits=anybody("/missing/", FEW))
def missing(request: HttpRequest) -> HttpResponse:
    """There is none."""
    spend(30)
    raise Http404


@behavior(31, "cache_page", reasons=["same_for_all"])
def failing(request: HttpRequest) -> HttpResponse:
    """Fails now and then."""
    spend(30)
    if int(time.time()) % 10 == 0:
        raise ObjectDoesNotExist
    return HttpResponse(PAGE)


@behavior(32, "cache_page", reasons=["item_too_large"], backend=BackendFacts("memcached"))
def export(request: HttpRequest) -> HttpResponse:
    """Two megabytes."""
    spend(300)
    return HttpResponse(b'{"a": 1}' * 250_000, content_type="application/json")


@behavior(33, "cache_page", reasons=["same_for_all"])
def feed_of_scripts(request: HttpRequest) -> HttpResponse:
    """JSON that is the same for all."""
    spend(30)
    return JsonResponse({"items": list(range(100))})


@behavior(
    35, "cache_page_vary", reasons=["missing_vary"], attribute="header:hx-request",
    visits=anybody(
        "/partly/", 800, headers=lambda rng, _: {"HTTP_HX_REQUEST": "true"} if rng.random() < 0.5 else {}
    ),
)  # fmt: skip
def partly(request: HttpRequest) -> HttpResponse:
    """A part of the page for HTMX, without saying so in Vary."""
    spend(30)
    return HttpResponse(PAGE[:100] if request.headers.get("HX-Request") else PAGE)


def _accepts(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_ACCEPT": rng.choice(("text/html", "application/json"))}


@behavior(
    36, "cache_page_vary", attribute="header:accept",
    visits=anybody("/negotiated/", 450, headers=_accepts),
)  # fmt: skip
@vary_on_headers("Accept")
def negotiated(request: HttpRequest) -> HttpResponse:
    """JSON or HTML."""
    spend(30)
    if "json" in request.headers["Accept"]:
        return JsonResponse({"page": PAGE})
    return HttpResponse(PAGE)


@behavior(37, "cache_page_vary", attribute="mobile")
def for_telephones(request: HttpRequest) -> HttpResponse:
    """Another template for telephones."""
    spend(30)
    return HttpResponse(("small" if "Mobile" in request.headers["User-Agent"] else "large") + PAGE)


@behavior(
    41, "do_not_cache", reasons=["one_time_urls"], route="reset/<str:token>/",
    visits=anybody(lambda rng: f"/reset/{rng.randrange(10**9)}/", 150),
)  # fmt: skip
def reset(request: HttpRequest, token: str) -> HttpResponse:
    """What a link in a mail leads to."""
    spend(300)
    return HttpResponse(PAGE)


@behavior(42, "not_worth_it", reasons=["small_saving"], visits=anybody("/health/", 480))
def health(request: HttpRequest) -> HttpResponse:
    """Tells that it lives, in a millisecond."""
    spend(1)
    return HttpResponse("ok")


@behavior(
    43, "not_worth_it", reasons=["slow_and_rare"], site="days", visits=anybody("/report/", 72, 72.0)
)
def report(request: HttpRequest) -> HttpResponse:
    """Three seconds, once an hour."""
    spend(3_000)
    return HttpResponse(PAGE)


@behavior(44, "cache_page", reasons=["dog_pile"], site="rush", visits=anybody("/hot/", 600, 0.16))
def hot(request: HttpRequest) -> HttpResponse:
    """Two seconds, once a second."""
    spend(2_000)
    return HttpResponse(PAGE)


@behavior(45, "fragment", reasons=["nonce"], site="policies", visits=anybody("/with_nonce/", FEW))
def with_nonce(request: HttpRequest) -> HttpResponse:
    """A script that the policy knows by its nonce."""
    spend(30)
    return HttpResponse(f'<script nonce="{request.csp}">1</script>' + PAGE)  # type: ignore[attr-defined]  # the middleware's


@behavior(46, "cache_page", reasons=["same_for_all"], site="gzip")
def zipped(request: HttpRequest) -> HttpResponse:
    """A page that a middleware compresses."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(47, "cache_page", reasons=["already_cached"])
@cache_page(60)
def cached(request: HttpRequest) -> HttpResponse:
    """Cached already."""
    spend(30)
    return HttpResponse(f"version {int(time.time() // 1800)}" + PAGE)


@behavior(48, "do_not_cache", reasons=["forbidden_by_view"], visits=anybody("/never/", FEW))
@never_cache
def never(request: HttpRequest) -> HttpResponse:
    """Says that it must not be cached."""
    spend(30)
    return HttpResponse(PAGE)


def _hosts(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_HOST": rng.choice(("a.example", "b.example", "c.example"))}


@behavior(49, "cache_page", reasons=["same_for_all"], visits=anybody("/tenant/", headers=_hosts))
def tenant(request: HttpRequest) -> HttpResponse:
    """Another site for each host."""
    spend(30)
    return HttpResponse(request.get_host() + PAGE)


def _country(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_CF_IPCOUNTRY": ("DE", "FR", "US", "JP")[visitor.number % 4]}


@behavior(
    52, "cache_page_vary", attribute="header:cf-ipcountry",
    visits=anybody("/shipping/", 450, headers=_country),
)  # fmt: skip
def shipping(request: HttpRequest) -> HttpResponse:
    """What sending costs to a visitor's country."""
    spend(30)
    return HttpResponse(request.headers["CF-IPCountry"] + PAGE)


def _has_it(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_IF_NONE_MATCH": '"1"'} if rng.random() < 0.9 else {}


@behavior(
    53, "conditional", reasons=["revalidates"],
    visits=anybody("/feed/", headers=_has_it, only=lambda each: each.is_anonymous),
)  # fmt: skip
def feed(request: HttpRequest) -> HttpResponse:
    """What readers' programs poll."""
    spend(30)
    return HttpResponse(PAGE, content_type="application/atom+xml")


@behavior(
    56,
    "not_enough_evidence",
    reasons=["few_requests"],
    visits=anybody("/new/", 20, only=lambda each: each.number == 7),
)
def new(request: HttpRequest) -> HttpResponse:
    """Twenty requests of one visitor."""
    spend(3_000)
    return HttpResponse(PAGE)


@behavior(57, "cache_page", reasons=["same_for_all", "async_view"])
async def awaited(request: HttpRequest) -> HttpResponse:
    """An async view."""
    spend(30)
    return HttpResponse(PAGE)


def _never_meet(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    first, second = (each for each in people if each.number in (13, 14))  # neither is staff
    return [
        *at_random(rng, 240, 1.0, [first], "/one_by_one/"),
        *at_random(rng, 240, 1.0, [second], "/one_by_one/", begin_s=3_600),
    ]


@behavior(58, "not_enough_evidence", reasons=["changes_not_witnessed"], visits=_never_meet)
def one_by_one(request: HttpRequest) -> HttpResponse:
    """A page of two users, one after the other."""
    spend(30)
    return HttpResponse(request.user.username + PAGE)


@behavior(
    60, "cache_page", reasons=["cache_too_small", "cache_per_process"], backend=BackendFacts("locmem", 300),
    route="article/<int:number>/",
    visits=anybody(lambda rng: f"/article/{int(400 * rng.random() ** 1.5)}/", 1000),
)  # fmt: skip
def article(request: HttpRequest, number: int) -> HttpResponse:
    """Four hundred pages, in a cache that holds half of them."""
    spend(30)
    return HttpResponse(f"{number}" + PAGE)
