"""Views made to look safe: who gets what was decided, and written down, before any of them was judged.

Those from 101 on have groups that never meet, so that no two of them can be compared; those from 121 on
have what is personal in places where it is seldom looked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from random import Random
from typing import Any
from zlib import crc32

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token

from tests.caching.behaviors.behavior import anybody, behavior
from tests.caching.behaviors.world import Visit, Visitor, at_random, spend
from tests.caching.site import NOON

PAGE = "<p>What everybody may read, and does.</p>" * 20

#: What gives nobody anything that was made for another; whoever is not logged in may share beside it.
NOT_SHARED = ("do_not_cache", "not_enough_evidence", "not_worth_it", "fragment", "cached_sessions")
NOT_WITH_MEMBERS = (*NOT_SHARED, "anonymous_only")

#: What a server remembers, besides its database.
MEMORY: dict[str, Any] = {"seen": set(), "asked": {}, "fragments": {}}


def _of_address(request: HttpRequest) -> int:
    return int(request.META["REMOTE_ADDR"].rpartition(".")[2])


def _strangers(people: Sequence[Visitor]) -> list[Visitor]:
    return [each for each in people if each.is_anonymous]


def _halves(people: Sequence[Visitor]) -> tuple[list[Visitor], list[Visitor]]:
    """Return strangers by their address, which is all that tells them apart."""
    some = _strangers(people)
    return [each for each in some if each.number < 45], [each for each in some if each.number >= 45]


def _one_after_another(url: Any, *, rounds: int, count: int = 560, hours: float = 2.0) -> Any:
    """Let two halves of the strangers come in turns, and never at the same time."""

    def visits(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
        found, each_h = [], hours / rounds
        for turn in range(rounds):
            group = _halves(people)[turn % 2]
            found += at_random(
                rng, count // rounds, each_h, group, url, begin_s=turn * each_h * 3_600
            )
        return found

    return visits


@behavior(101, *NOT_SHARED, visits=_one_after_another("/by_network/", rounds=2))
def by_network(request: HttpRequest) -> HttpResponse:
    """One network in the first hour, another one in the second, and nothing else tells them apart."""
    spend(30)
    return HttpResponse(PAGE + str(_of_address(request) < 45))


@behavior(102, *NOT_SHARED, visits=_one_after_another("/by_network_in_turns/", rounds=4))
def by_network_in_turns(request: HttpRequest) -> HttpResponse:
    """The same, by half hours in turns."""
    spend(30)
    return HttpResponse(PAGE + str(_of_address(request) < 45))


@behavior(103, *NOT_SHARED, visits=_one_after_another("/by_network_edited/", rounds=4))
def by_network_edited(request: HttpRequest) -> HttpResponse:
    """In turns, and edited between them: no version ever comes back."""
    spend(30)
    return HttpResponse(PAGE + f"{_of_address(request) < 45} {int((time.time() - NOON) // 1800)}")


def _by_sun(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    found = []
    for turn in range(3):
        group = [each for each in _strangers(people) if each.number % 3 == turn]
        found += at_random(rng, 200, 0.66, group, "/by_country/", begin_s=turn * 2_400)
    return found


@behavior(104, *NOT_SHARED, visits=_by_sun)
def by_country(request: HttpRequest) -> HttpResponse:
    """Three countries by the address, as the sun goes; no header names them."""
    spend(30)
    return HttpResponse(PAGE + ("JP", "IN", "DE")[_of_address(request) % 3])


def _office_first(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    office = {"REMOTE_ADDR": "192.0.2.1"}
    inside, outside = _strangers(people)[:14], _strangers(people)[14:]
    return [
        *at_random(rng, 300, 1.1, inside, "/intranet/", headers=lambda *_: office),
        *at_random(rng, 300, 0.9, outside, "/intranet/", begin_s=3_960),
    ]


@behavior(105, *NOT_SHARED, visits=_office_first)
def intranet(request: HttpRequest) -> HttpResponse:
    """What is shown inside of a company's network, whose people share one address."""
    spend(30)
    return HttpResponse(PAGE + ("internal" if request.META["REMOTE_ADDR"] == "192.0.2.1" else ""))


def _moving(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    members = [each for each in people if not each.is_anonymous]
    office = {"REMOTE_ADDR": "192.0.2.1"}
    return [
        *at_random(rng, 300, 1.0, members, "/at_the_office/"),
        *at_random(
            rng, 300, 1.0, members, "/at_the_office/", headers=lambda *_: office, begin_s=3_600
        ),
    ]


@behavior(106, *NOT_SHARED, visits=_moving)
def at_the_office(request: HttpRequest) -> HttpResponse:
    """The same people at home first and at the office then; the page hangs on the network."""
    spend(30)
    return HttpResponse(PAGE + ("internal" if request.META["REMOTE_ADDR"] == "192.0.2.1" else ""))


@behavior(
    107, *NOT_SHARED, route="tested/<int:number>/",
    visits=_one_after_another(lambda rng: f"/tested/{rng.randrange(5)}/", rounds=2, count=900),
)  # fmt: skip
def tested(request: HttpRequest, number: int) -> HttpResponse:
    """Edited every ten minutes, of which one boundary is also that between two networks."""
    spend(30)
    return HttpResponse(f"{number} {_of_address(request) < 45} {int(time.time() // 600)}" + PAGE)


@behavior(
    108, *NOT_SHARED, route="offered/<int:number>/",
    visits=_one_after_another(lambda rng: f"/offered/{rng.randrange(21)}/", rounds=2, count=800),
)  # fmt: skip
def offered(request: HttpRequest, number: int) -> HttpResponse:
    """Twenty pages for all, and one that hangs on the network; its visitors never meet."""
    spend(30)
    return HttpResponse(f"{number} {number == 3 and _of_address(request) < 45}" + PAGE)


def _by_family(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    found = []
    for turn, (group, family) in enumerate(zip(_halves(people), ("Gecko", "WebKit"), strict=True)):
        found += at_random(
            rng, 280, 1.0, group, "/by_browser/", begin_s=turn * 3_600,
            headers=lambda rng, who, family=family: {"HTTP_USER_AGENT": f"Mozilla/5.0 {family} {who.number}"},
        )  # fmt: skip
    return found


@behavior(109, *NOT_SHARED, visits=_by_family)
def by_browser(request: HttpRequest) -> HttpResponse:
    """Another page for one family of browsers, which comes in the second hour."""
    spend(30)
    return HttpResponse(PAGE + str("WebKit" in request.headers["User-Agent"]))


def _from_campaigns(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    some = _strangers(people)
    found = []
    for turn, source in enumerate(("https://letter.example/", "https://search.example/")):
        found += at_random(
            rng, 280, 1.0, some, "/by_referer/", begin_s=turn * 3_600,
            headers=lambda *_, source=source: {"HTTP_REFERER": source},
        )  # fmt: skip
    return found


@behavior(110, *NOT_SHARED, "cache_page_vary", visits=_from_campaigns)
def by_referer(request: HttpRequest) -> HttpResponse:
    """The same people by one campaign first and by another then; the page greets by it."""
    spend(30)
    return HttpResponse(PAGE + request.headers.get("Referer", ""))


def _of_shifts(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    members = [each for each in people if not each.is_anonymous]
    heads, first, second = members[:2], members[2:16], members[16:]
    return [
        *at_random(rng, 300, 1.0, [*first, *heads], "/on_duty/"),
        *at_random(rng, 300, 1.0, [*second, *heads], "/on_duty/", begin_s=3_600),
    ]


@behavior(111, *NOT_SHARED, visits=_of_shifts)
def on_duty(request: HttpRequest) -> HttpResponse:
    """Notes of a shift, for it only; two heads come in both."""
    spend(30)
    known = request.user.is_authenticated
    return HttpResponse(PAGE + f"{known} {time.time() < NOON + 3_600}")


def _late_members(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    members = [each for each in people if not each.is_anonymous]
    return [
        *at_random(rng, 320, 1.0, _strangers(people), "/late_members/"),
        *at_random(rng, 320, 1.0, members, "/late_members/", begin_s=3_600),
    ]


@behavior(112, *NOT_WITH_MEMBERS, "cache_page_vary", visits=_late_members)
def late_members(request: HttpRequest) -> HttpResponse:
    """Members come after everybody else has gone, and get more."""
    spend(30)
    return HttpResponse(PAGE + ("more" if request.user.is_authenticated else ""))


# What is personal in places where it is seldom looked for.


@behavior(121, *NOT_WITH_MEMBERS, visits=anybody("/by_weekday/", 640))
def by_weekday(request: HttpRequest) -> HttpResponse:
    """By the weekday on which somebody signed up."""
    spend(30)
    return HttpResponse(PAGE + (str(request.user.pk % 7) if request.user.is_authenticated else ""))


@behavior(122, *NOT_WITH_MEMBERS, visits=anybody("/flagged/", 640))
def flagged(request: HttpRequest) -> HttpResponse:
    """A feature for a tenth of the users, by their number."""
    spend(30)
    return HttpResponse(PAGE + ("new" if (request.user.pk or 1) * 37 % 100 < 10 else ""))


def _with_uid(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_COOKIE": f"uid={visitor.number * 7919}"}


@behavior(123, *NOT_SHARED, visits=anybody("/flagged_strangers/", 640, headers=_with_uid))
def flagged_strangers(request: HttpRequest) -> HttpResponse:
    """A feature for a tenth of the browsers, by a cookie of which each has its own value."""
    spend(30)
    return HttpResponse(PAGE + str(crc32(request.COOKIES["uid"].encode()) % 10 == 0))


@behavior(124, *NOT_SHARED, visits=anybody("/throttled/", 640, 0.5))
def throttled(request: HttpRequest) -> HttpResponse:
    """Who asks too often is told so, with status 200."""
    spend(30)
    times = MEMORY["asked"].setdefault(request.META["REMOTE_ADDR"], [])
    times.append(time.time())
    return HttpResponse("slow down" if len(times) > 12 else PAGE)


@behavior(125, *NOT_WITH_MEMBERS, visits=anybody("/may_for_a_while/", 640))
def may_for_a_while(request: HttpRequest) -> HttpResponse:
    """Some may do more for twenty minutes."""
    spend(30)
    now = NOON + 2_400 < time.time() < NOON + 3_600
    may = request.user.is_authenticated and request.user.pk % 9 == 0 and now
    return HttpResponse(PAGE + ("approve" if may else ""))


@behavior(
    126, *NOT_WITH_MEMBERS, route="owned/<int:number>/",
    visits=anybody(lambda rng: f"/owned/{rng.randrange(20)}/", 700),
)  # fmt: skip
def owned(request: HttpRequest, number: int) -> HttpResponse:
    """Whose object it is gets a link to edit it."""
    spend(30)
    owner = request.user.is_authenticated and request.user.pk % 20 == number
    return HttpResponse(f"{number}" + PAGE + ("edit" if owner else ""))


def _beta(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_COOKIE": "beta=1"} if visitor.number % 10 == 0 else {}


@behavior(127, *NOT_SHARED, "cache_page_vary", visits=anybody("/for_testers/", 640, headers=_beta))
def for_testers(request: HttpRequest) -> HttpResponse:
    """By a cookie that few have."""
    spend(30)
    return HttpResponse(PAGE + request.COOKIES.get("beta", ""))


def _override(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"} if rng.random() < 0.02 else {}


@behavior(
    128, *NOT_SHARED, "cache_page_vary", visits=anybody("/overridden/", 640, headers=_override)
)
def overridden(request: HttpRequest) -> HttpResponse:
    """A GET that means to delete, by a header."""
    spend(30)
    is_get = "X-HTTP-Method-Override" not in request.headers
    return HttpResponse(PAGE if is_get else "deleted")


def _encodings(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_ACCEPT_ENCODING": "br" if visitor.number % 3 else "gzip"}


@behavior(
    129, *NOT_SHARED, "cache_page_vary", visits=anybody("/by_encoding/", 640, headers=_encodings)
)
def by_encoding(request: HttpRequest) -> HttpResponse:
    """Names of files by what the browser unpacks, without saying so in Vary."""
    spend(30)
    return HttpResponse(PAGE + f"app.js.{request.headers['Accept-Encoding']}")


def _forwarded(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_X_FORWARDED_HOST": ("a.example", "b.example")[visitor.number % 2]}


@behavior(
    130, *NOT_SHARED, "cache_page_vary", visits=anybody("/by_subdomain/", 640, headers=_forwarded)
)
def by_subdomain(request: HttpRequest) -> HttpResponse:
    """A customer's own page by a host that Django does not look at."""
    spend(30)
    return HttpResponse(PAGE + request.headers["X-Forwarded-Host"])


@behavior(131, *NOT_SHARED, visits=anybody("/welcome/", 560))
def welcome(request: HttpRequest) -> HttpResponse:
    """A greeting for who comes for the first time, told by his address."""
    spend(30)
    address = request.META["REMOTE_ADDR"]
    is_new = address not in MEMORY["seen"]
    MEMORY["seen"].add(address)
    return HttpResponse(PAGE + ("welcome" if is_new else ""))


@behavior(132, *NOT_WITH_MEMBERS, visits=anybody("/happy_hour/", 640))
def happy_hour(request: HttpRequest) -> HttpResponse:
    """A price by the time and the group of users together."""
    spend(30)
    half = int((time.time() - NOON) // 1_800)
    group = request.user.is_authenticated and request.user.pk % 3 == 0
    return HttpResponse(PAGE + f"{half} {group and half % 2}")


@behavior(133, *NOT_WITH_MEMBERS, visits=anybody("/kept_by_team/", 640))
def kept_by_team(request: HttpRequest) -> HttpResponse:
    """A fragment kept for five minutes for each team, which names who of it came first."""
    spend(30)
    if not request.user.is_authenticated:
        return HttpResponse(PAGE)
    key = (request.user.pk % 3, int(time.time() // 300))
    return HttpResponse(PAGE + MEMORY["fragments"].setdefault(key, request.user.username))


@behavior(134, *NOT_WITH_MEMBERS, visits=anybody("/sorry_for_some/", 640))
def sorry_for_some(request: HttpRequest) -> HttpResponse:
    """An error page with status 200, for whose data is broken."""
    spend(30)
    return HttpResponse("Sorry" if (request.user.pk or 1) % 23 == 0 else PAGE)


@behavior(135, *NOT_SHARED, visits=anybody("/sorry_now_and_then/", 640))
def sorry_now_and_then(request: HttpRequest) -> HttpResponse:
    """An error page with status 200, for whoever comes at the wrong time."""
    spend(30)
    return HttpResponse("Sorry" if int(time.time() * 10) % 60 == 0 else PAGE)


def _in_header(number: int, name: str, value: Any) -> Any:
    url = f"/with_{name.replace('-', '_').lower()}/"

    def view(request: HttpRequest) -> HttpResponse:
        spend(30)
        return HttpResponse(PAGE, headers={name: value(request)})

    view.__name__ = url.strip("/")
    view.__doc__ = f"The body is the same for all, and {name} is not."
    return behavior(number, *NOT_WITH_MEMBERS, visits=anybody(url, 640))(view)


_in_header(136, "Content-Language", lambda request: ("de", "en")[(request.user.pk or 0) % 2])
_in_header(137, "Link", lambda request: f"</avatar/{request.user.pk}.png>; rel=preload")
_in_header(138, "ETag", lambda request: f'"{request.user.pk}"')
_in_header(
    139, "Last-Modified", lambda request: f"Mon, 18 Jan 2027 10:{request.user.pk or 0:02}:00 GMT"
)
_in_header(
    140,
    "Cache-Control",
    lambda request: "private" if (request.user.pk or 1) % 29 == 0 else "max-age=60",
)


@behavior(141, *NOT_WITH_MEMBERS, visits=anybody("/in_ones_order/", 640))
def in_ones_order(request: HttpRequest) -> HttpResponse:
    """The same list for all, in an order of one's own."""
    spend(30)
    items = [f"item {each}" for each in range(20)]
    if request.user.is_authenticated:
        Random(request.user.pk).shuffle(items)
    return HttpResponse(json.dumps(items), content_type="application/json")


@behavior(142, *NOT_WITH_MEMBERS, site="crowd", visits=anybody("/for_one_in_two_hundred/", 900))
def for_one_in_two_hundred(request: HttpRequest) -> HttpResponse:
    """A banner for one user in two hundred."""
    spend(30)
    known = request.user.is_authenticated
    return HttpResponse(PAGE + ("VIP" if known and request.user.pk % 97 == 5 else ""))


def _one_message(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    rest = at_random(rng, 900, 2.0, people, "/told_once/")
    return [*rest, Visit(3_599.95, people[0], "/told_once/", {"HTTP_X_ONCE": "1"})]


@behavior(143, *NOT_WITH_MEMBERS, visits=_one_message)
def told_once(request: HttpRequest) -> HttpResponse:
    """Edited every minute, and at such a moment one visitor is told something once."""
    spend(30)
    once = "only for you" if "X-Once" in request.headers else ""
    return HttpResponse(PAGE + f"{int(time.time() // 60)} {once}")


@behavior(144, *NOT_WITH_MEMBERS, visits=anybody("/seen_as/", 640))
def seen_as(request: HttpRequest) -> HttpResponse:
    """Staff look at the page as somebody else, with a bar that says so, for a while."""
    spend(30)
    acting = request.user.is_staff and int(time.time() // 600) % 3 == 0
    return HttpResponse(PAGE + (f"seen as user {request.user.pk % 5}" if acting else ""))


@behavior(
    145, *NOT_WITH_MEMBERS, "cache_page_vary",
    visits=anybody(lambda rng: "/draft/?preview=1" if rng.random() < 0.3 else "/draft/", 800),
)  # fmt: skip
def draft(request: HttpRequest) -> HttpResponse:
    """Staff see the next version, when they ask for it."""
    spend(30)
    preview = request.user.is_staff and "preview" in request.GET
    return HttpResponse(PAGE + ("next" if preview else "now"))


@behavior(146, *NOT_WITH_MEMBERS, "cache_page_vary", visits=anybody("/published/", 640))
def published(request: HttpRequest) -> HttpResponse:
    """Staff see the new version an hour before all others."""
    spend(30)
    is_new = request.user.is_staff or time.time() > NOON + 3_600
    return HttpResponse(PAGE + ("new" if is_new else "old"))


@behavior(147, *NOT_SHARED, visits=anybody("/tried_out/", 640))
def tried_out(request: HttpRequest) -> HttpResponse:
    """Two variants, by a hash of the address."""
    spend(30)
    return HttpResponse(PAGE + "ab"[crc32(request.META["REMOTE_ADDR"].encode()) % 2])


def _regions(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_ACCEPT_LANGUAGE": ("de-AT", "de-CH", "de-DE")[visitor.number % 3]}


@behavior(148, *NOT_SHARED, "cache_page_vary", visits=anybody("/by_region/", 640, headers=_regions))
def by_region(request: HttpRequest) -> HttpResponse:
    """A currency by the languages that a browser asks for."""
    spend(30)
    return HttpResponse(PAGE + request.headers["Accept-Language"])


@behavior(
    149, *NOT_SHARED, "cache_page_vary", site="languages",
    visits=anybody("/by_region_too/", 640, headers=_regions),
)  # fmt: skip
def by_region_too(request: HttpRequest) -> HttpResponse:
    """The same where Django takes the language, and not that header, for its key."""
    spend(30)
    return HttpResponse(PAGE + request.headers["Accept-Language"])


@behavior(150, *NOT_WITH_MEMBERS, visits=anybody("/hidden_field/", 640))
def hidden_field(request: HttpRequest) -> HttpResponse:
    """The number of a user in a field that does not show."""
    spend(30)
    known = request.user.is_authenticated
    field = f'<input type="hidden" name="user" value="{request.user.pk}">' if known else ""
    return HttpResponse(PAGE + field)


@behavior(151, *NOT_WITH_MEMBERS, visits=anybody("/looks_like_noise/", 640))
def looks_like_noise(request: HttpRequest) -> HttpResponse:
    """The number of a user in what looks like the id of a request, which is masked."""
    spend(30)
    known = request.user.is_authenticated
    return HttpResponse(
        PAGE + (f'<i data-transaction-id="user-{request.user.pk:08}">' if known else "")
    )


@behavior(152, *NOT_WITH_MEMBERS, visits=anybody("/form_for_members/", 640))
def form_for_members(request: HttpRequest) -> HttpResponse:
    """A form with a token, for who is logged in only."""
    spend(30)
    if not request.user.is_authenticated:
        return HttpResponse(PAGE)
    return HttpResponse(PAGE + f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">')


def _links(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    found = []
    for _ in range(600):
        who = rng.choice(people)
        url = f"/by_link/?to={who.number}" if rng.random() < 0.5 else "/by_link/"
        found.append(Visit(rng.random() * 7_200, who, url))
    return found


@behavior(153, *NOT_SHARED, visits=_links)
def by_link(request: HttpRequest) -> HttpResponse:
    """A link in a mail names its reader, and afterwards the server knows him by his address."""
    spend(30)
    known = MEMORY.setdefault("names", {})
    address = request.META["REMOTE_ADDR"]
    if "to" in request.GET:
        known[address] = request.GET["to"]
    return HttpResponse(PAGE + known.get(address, ""))


@behavior(154, *NOT_SHARED, visits=anybody("/by_worker/", 640))
def by_worker(request: HttpRequest) -> HttpResponse:
    """One worker of ten has the new release."""
    spend(30)
    return HttpResponse(PAGE + str(crc32(str(time.time()).encode()) % 10 == 0))


def _named_by_proxy(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_X_REMOTE_USER": f"name{visitor.number}"}


@behavior(155, *NOT_SHARED, visits=anybody("/known_to_proxy/", 640, headers=_named_by_proxy))
def known_to_proxy(request: HttpRequest) -> HttpResponse:
    """A proxy has everybody logged in, and tells by a header."""
    spend(30)
    return HttpResponse(PAGE + request.headers["X-Remote-User"])


def _some_tail(rng: Random) -> str:
    return f"/marked/{rng.randrange(20) if rng.random() < 0.8 else 20 + rng.randrange(60)}/"


@behavior(156, *NOT_SHARED, route="marked/<int:number>/", visits=anybody(_some_tail, 900))
def marked(request: HttpRequest, number: int) -> HttpResponse:
    """Common pages are for all; rare ones bear a mark of who reads them."""
    spend(30)
    mark = request.META["REMOTE_ADDR"] if number >= 20 else ""
    return HttpResponse(f"{number} {mark}" + PAGE)


@behavior(
    157,
    *NOT_SHARED,
    visits=anybody(
        "/refreshed/",
        640,
        headers=lambda rng, _: {"HTTP_CACHE_CONTROL": "no-cache"} if rng.random() < 0.05 else {},
    ),
)
def refreshed(request: HttpRequest) -> HttpResponse:
    """Who reloads with force is told what the server is made of."""
    spend(30)
    return HttpResponse(PAGE + ("built at 9" if "Cache-Control" in request.headers else ""))


@behavior(158, *NOT_WITH_MEMBERS, visits=anybody("/own_json/", 640))
def own_json(request: HttpRequest) -> JsonResponse:
    """One key of many is one's own."""
    spend(30)
    items: dict[str, Any] = {f"key{each}": each for each in range(30)}
    if request.user.is_authenticated:
        items["key7"] = request.user.pk
    return JsonResponse(items)
