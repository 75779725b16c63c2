"""Views that are not on the reference's list, and that a naive tool would call safe.

Whoever asks whether the bodies of many requests are equal finds that nearly all are, and is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.utils import translation
from django.views.decorators.cache import cache_page

from tests.caching.behaviors.behavior import anybody, behavior
from tests.caching.behaviors.world import Visit, Visitor, at_random, spend
from tests.caching.site import NOON

#: What a template's fragment would be kept in.
KEPT: dict[str, Any] = {"until": 0.0}

PAGE = "<p>What everybody may read, and does.</p>" * 20

#: What gives nobody anything that was made for another: a fragment is what all get the same of.
NOT_SHARED = ("do_not_cache", "not_enough_evidence", "not_worth_it", "fragment")


def _of(*numbers: int) -> Any:
    """Tell the members of a group that shows in no cookie or header."""
    return lambda request: bool(request.user.is_authenticated) and request.user.pk % 60 in numbers


few = _of(1, 2)


@behavior(61, *NOT_SHARED, "anonymous_only", reasons=["personalized"])
def for_a_few(request: HttpRequest) -> HttpResponse:
    """A group of one or two users gets an offer more."""
    spend(30)
    return HttpResponse(PAGE + ("offer" if few(request) else ""))


def _one_of_all(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    odd = next(each for each in people if not each.is_anonymous)
    rest = [each for each in people if each is not odd]
    return [
        *at_random(rng, 600, 2.0, rest, "/for_one/"),
        Visit(3_000.0, odd, "/for_one/", {"HTTP_X_ODD": "1"}),
    ]


@behavior(62, *NOT_SHARED, "anonymous_only", visits=_one_of_all)
def for_one(request: HttpRequest) -> HttpResponse:
    """One request of six hundred is answered otherwise."""
    spend(30)
    return HttpResponse(PAGE + request.headers.get("X-Odd", ""))


def _shifts(url: str) -> Any:
    def visits(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
        members = [each for each in people if not each.is_anonymous]
        first = [
            each
            for each in people
            if each in members[:15] or (each.is_anonymous and each.number % 2)
        ]
        second = [each for each in people if each not in first]
        return [
            *at_random(rng, 320, 1.0, first, url, headers=lambda *_: {"HTTP_X_SHIFT": "1"}),
            *at_random(
                rng, 320, 1.0, second, url, headers=lambda *_: {"HTTP_X_SHIFT": "2"}, begin_s=3_600
            ),
        ]

    return visits


@behavior(
    63, *NOT_SHARED, "cache_page_vary", attribute="header:x-shift", visits=_shifts("/by_shift/")
)
def by_shift(request: HttpRequest) -> HttpResponse:
    """Two groups that never meet: one in the first hour, one in the second."""
    spend(30)
    return HttpResponse(PAGE + request.headers["X-Shift"])


def _two_halves(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    members = sorted(
        (each for each in people if not each.is_anonymous), key=lambda each: each.number
    )
    half = len(members) // 2
    return [
        *at_random(rng, 320, 1.0, members[:half], "/by_team/"),
        *at_random(rng, 320, 1.0, members[half:], "/by_team/", begin_s=3_600),
    ]


@behavior(64, *NOT_SHARED, visits=_two_halves)
def by_team(request: HttpRequest) -> HttpResponse:
    """The same, and nothing that a request brings along tells the teams apart."""
    spend(30)
    first_hour = time.time() < NOON + 3_600
    return HttpResponse(PAGE + f"{request.user.is_authenticated} {first_hour}")


@behavior(65, *NOT_SHARED, reasons=["first_visitors_page"], visits=anybody("/kept_fragment/", 600))
def kept_fragment(request: HttpRequest) -> HttpResponse:
    """A greeting in a template fragment that is kept for all."""
    spend(30)
    if KEPT["until"] <= time.time():
        KEPT.update(until=time.time() + 300, greeting=f"Hello {request.user}")
    return HttpResponse(PAGE + KEPT["greeting"])


@behavior(66, *NOT_SHARED, "anonymous_only", visits=anybody("/named_in_header/", 640))
def named_in_header(request: HttpRequest) -> HttpResponse:
    """A header of the answer names the user."""
    spend(30)
    return HttpResponse(PAGE, headers={"X-Account": str(request.user.pk or "none")})


def _first_visits(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    first = [Visit(float(at), each, "/first_visit/") for at, each in enumerate(people)]
    later = at_random(
        rng,
        500,
        1.8,
        people,
        "/first_visit/",
        begin_s=600,
        headers=lambda *_: {"HTTP_COOKIE": "seen=1"},
    )
    return first + later


@behavior(67, *NOT_SHARED, "cache_page_vary", attribute="cookie:seen", visits=_first_visits)
def first_visit(request: HttpRequest) -> HttpResponse:
    """A banner until a script has set its cookie: all come once, and then all come again."""
    spend(30)
    return HttpResponse(PAGE + ("" if "seen" in request.COOKIES else "banner"))


def _promotion(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    return at_random(rng, 560, 2.0, people, "/promoted/")


@behavior(68, *NOT_SHARED, "anonymous_only", visits=_promotion)
def promoted(request: HttpRequest) -> HttpResponse:
    """Some users may do more from one o'clock on."""
    spend(30)
    may = bool(
        request.user.is_authenticated and request.user.pk % 7 == 0 and time.time() > NOON + 3_600
    )
    return HttpResponse(PAGE + ("edit" if may else ""))


@behavior(
    69, *NOT_SHARED, reasons=["permission_dependent"], route="thing/<int:number>/",
    visits=anybody(lambda rng: f"/thing/{rng.randrange(25)}/", 700),
)  # fmt: skip
def thing(request: HttpRequest, number: int) -> HttpResponse:
    """An object that is not there for others than its friends."""
    spend(30)
    if number % 5 == 0 and (not request.user.is_authenticated or request.user.pk % 2):
        raise Http404
    return HttpResponse(f"{number}" + PAGE)


def _own_and_public(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    public = at_random(rng, 560, 2.0, people, lambda rng: f"/document/{rng.randrange(25)}/")
    private = [
        Visit(rng.random() * 7_200, each, f"/document/{100 + each.number}/")
        for each in people
        if not each.is_anonymous
    ]
    return public + private


@behavior(
    70,
    *NOT_SHARED,
    "anonymous_only",
    "low_level",
    route="document/<int:number>/",
    visits=_own_and_public,
)
def document(request: HttpRequest, number: int) -> HttpResponse:
    """Public ones, and private ones that nobody else has tried to see so far."""
    spend(30)
    if number >= 100 and not request.user.is_authenticated:
        raise Http404
    return HttpResponse(f"{number}" + PAGE)


def _pairs(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    members = [each for each in people if not each.is_anonymous]
    found = []
    for _ in range(400):
        index = rng.randrange(len(members))
        both = (members[index], members[(index + 1) % len(members)])
        begin = rng.random() * 7_000
        found += [Visit(begin + place, who, f"/letter/{index}/") for place, who in enumerate(both)]
    return found


@behavior(
    71,
    *NOT_SHARED,
    "low_level",
    reasons=["check_each"],
    route="letter/<int:number>/",
    visits=_pairs,
)
def letter(request: HttpRequest, number: int) -> HttpResponse:
    """Letters that two users each read, and nobody else has tried to."""
    spend(30)
    return HttpResponse(f"{number} {request.user.is_authenticated}" + PAGE)


@behavior(
    72, *NOT_SHARED, "low_level", reasons=["anonymous_not_seen"],
    visits=anybody("/insiders/", 600, only=lambda each: not each.is_anonymous),
)  # fmt: skip
@login_required
def insiders(request: HttpRequest) -> HttpResponse:
    """For members, and nobody else has come to its door."""
    spend(30)
    return HttpResponse(PAGE)


@behavior(73, "fragment", "do_not_cache", visits=anybody("/members_form/", 700))
@login_required
def members_form(request: HttpRequest) -> HttpResponse:
    """A form for members, with a token."""
    spend(30)
    return HttpResponse(f'<input name="csrfmiddlewaretoken" value="{get_token(request)}">' + PAGE)


# Who is not logged in gets it in one language, whoever he is.
@behavior(74, *NOT_SHARED, "anonymous_only", site="tongues", visits=anybody("/tongue/", 640))
def tongue(request: HttpRequest) -> HttpResponse:
    """In the language of a user's profile, which the view itself puts in force, and leaves so."""
    spend(30)
    number = request.user.pk or 0
    translation.activate(("en", "de", "fr")[number % 3])
    return HttpResponse(translation.get_language() + PAGE)


@behavior(75, *NOT_SHARED, visits=anybody("/big_for_some/", 500))
def big_for_some(request: HttpRequest) -> HttpResponse:
    """A few get a body that is too long to be compared."""
    spend(30)
    if int(time.time()) % 100 == 0:
        return HttpResponse(b"x" * 4_000_001)
    return HttpResponse(PAGE)


@behavior(76, *NOT_SHARED, visits=anybody("/streamed_for_some/", 500))
def streamed_for_some(request: HttpRequest) -> Any:
    """Staff get a stream."""
    spend(30)
    if request.user.is_staff:
        return StreamingHttpResponse([b"all of it"])
    return HttpResponse(PAGE)


@behavior(
    77, *NOT_SHARED, "anonymous_only", "cache_page_vary", visits=anybody("/nothing_new/", 700)
)
def nothing_new(request: HttpRequest) -> HttpResponse:
    """204 for those who have nothing new."""
    spend(30)
    if request.user.is_authenticated and request.user.pk % 3:
        return HttpResponse(status=204)
    return HttpResponse(PAGE)


def _by_name(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_X_REMOTE_USER": f"name{visitor.number}"} if visitor.number % 9 == 0 else {}


@behavior(
    78,
    *NOT_SHARED,
    "anonymous_only",
    "cache_page_vary",
    visits=anybody("/by_proxy/", 640, headers=_by_name),
)
def by_proxy(request: HttpRequest) -> HttpResponse:
    """A proxy logs users in, and tells by a header."""
    spend(30)
    return HttpResponse(PAGE + request.headers.get("X-Remote-User", ""))


@behavior(79, *NOT_SHARED, "anonymous_only", visits=anybody("/by_address/", 640))
def by_address(request: HttpRequest) -> HttpResponse:
    """By the address of the network, which shows in no header."""
    spend(30)
    return HttpResponse(PAGE + str(int(request.META["REMOTE_ADDR"].rpartition(".")[2]) < 5))


def _leaver(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    boss = [each for each in people if each.user is not None and each.user.is_staff][:1]
    rest = [each for each in people if each.user is None or not each.user.is_staff]
    return [
        *at_random(rng, 560, 2.0, rest, "/one_boss/"),
        *at_random(rng, 40, 2.0, boss, "/one_boss/"),
    ]


@behavior(80, *NOT_SHARED, "anonymous_only", visits=_leaver)
def one_boss(request: HttpRequest) -> HttpResponse:
    """Only one of staff has come, so that nobody knows whether the page is hers or all staff's."""
    spend(30)
    return HttpResponse(PAGE + (f"Hello {request.user}" if request.user.is_staff else ""))


def _no_staff(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
    rest = [each for each in people if each.user is None or not each.user.is_staff]
    return at_random(rng, 560, 2.0, rest, "/unseen_button/")


@behavior(81, *NOT_SHARED, "anonymous_only", reasons=["staff_not_seen"], visits=_no_staff)
def unseen_button(request: HttpRequest) -> HttpResponse:
    """A button for staff, of whom none came here."""
    spend(30)
    return HttpResponse(PAGE + ("edit" if request.user.is_staff else ""))


@behavior(
    82,
    "do_not_cache",
    reasons=["already_cached", "first_visitors_page"],
    visits=anybody("/leaks_today/", 500),
)
@cache_page(60)
def leaks_today(request: HttpRequest) -> HttpResponse:
    """Cached today for whoever came first."""
    spend(30)
    return HttpResponse(PAGE + f"Hello {request.user}")


@behavior(83, "cache_page", visits=anybody("/by_hour/", 700))
def by_hour(request: HttpRequest) -> HttpResponse:
    """Good morning, and good afternoon, to everybody at the same time."""
    spend(30)
    return HttpResponse(PAGE + ("morning" if time.time() < NOON + 4_000 else "afternoon"))


def _with_token(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Token {visitor.number}"}


@behavior(
    84,
    *NOT_SHARED,
    "low_level",
    "cache_page_vary",
    visits=anybody("/api_for_all/", 700, headers=_with_token),
)
def api_for_all(request: HttpRequest) -> HttpResponse:
    """The same for everybody with a token, which REST framework asks for."""
    raise NotImplementedError


def _of_both(rng: Random, visitor: Visitor) -> dict[str, str]:
    return {"HTTP_X_PLAN": rng.choice("ab"), "HTTP_X_REGION": rng.choice("cd")}


@behavior(85, *NOT_SHARED, "anonymous_only", visits=anybody("/by_two/", 640, headers=_of_both))
def by_two(request: HttpRequest) -> HttpResponse:
    """By two headers together, neither of which tells alone."""
    spend(30)
    return HttpResponse(PAGE + request.headers["X-Plan"] + request.headers["X-Region"])


@behavior(86, *NOT_SHARED, "anonymous_only", visits=anybody("/mostly_cached_for_me/", 700, 0.5))
def mostly_cached_for_me(request: HttpRequest) -> HttpResponse:
    """One's own page, with a part of it for scripts now and then."""
    spend(30)
    if int(time.time() * 100) % 50 == 0:
        return HttpResponse("part")
    return HttpResponse(PAGE + request.META["REMOTE_ADDR"])


def _orders(rng: Random) -> str:
    pages = [1, 2]
    rng.shuffle(pages)
    return f"/last_wins/?page={pages[0]}&page={pages[1]}&utm_source={rng.randrange(10**6)}"


@behavior(87, "cache_page", visits=anybody(_orders, 600))
def last_wins(request: HttpRequest) -> HttpResponse:
    """A parameter twice: the last one counts, so that their order must stay."""
    spend(30)
    return HttpResponse(PAGE + request.GET["page"])


@behavior(
    88,
    *NOT_SHARED,
    "cache_page",
    visits=anybody(lambda rng: f"/referred/?ref={rng.randrange(3)}&q={rng.randrange(3)}"),
)
def referred(request: HttpRequest) -> HttpResponse:
    """A parameter that looks like tracking, and is none."""
    spend(30)
    return HttpResponse(PAGE + request.GET["ref"] + request.GET["q"])


def rest_view_for_all() -> Any:
    """Return REST framework's view of behavior 84."""
    from django.contrib.auth.models import User
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Token(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            number = request.headers["Authorization"].rpartition(" ")[2]
            return User(pk=int(number) + 1, username=f"api{number}"), None

    class ForAll(APIView):
        authentication_classes = (Token,)
        permission_classes = (IsAuthenticated,)

        def get(self, request: Any) -> Any:
            spend(30)
            return Response({"items": [1, 2, 3]})

    return ForAll.as_view()
