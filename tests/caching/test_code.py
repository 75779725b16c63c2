"""The code that is advised: it compiles, runs around a real view, and does what is said of it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.utils.html import escape

from perfkit.caching import shown
from perfkit.caching.code_text import code
from perfkit.caching.explain import Explanation
from perfkit.caching.pairs import Comparisons
from perfkit.caching.policy import VARY_ON_HEADERS, Policy
from perfkit.caching.replay import Outcome
from perfkit.caching.saving import Cell, Saving
from perfkit.caching.verdict import Decision
from tests.caching.behaviors.world import Visit, Visitor, log_in, population, world

pytestmark = pytest.mark.django_db

Ask = Callable[..., Any]


def decision(
    verdict: str, *reasons: str, attribute: str = "", on: tuple[str, ...] = (), **more: Any
) -> Decision:
    """Make a decision for a timeout of five minutes."""
    cell = Cell(300, Outcome(300), 1.0, 0.0)
    run = Saving(
        Policy(VARY_ON_HEADERS, on or ((attribute,) if attribute else ())),
        (cell,),
        cell,
        cell,
        (0, 1),
        0,
        0,
    )
    found = Explanation(attribute, 2, Comparisons()) if attribute else None
    return Decision(verdict, reasons, run, found, **more)


def advised(made: Decision, view: Any) -> Any:
    """Run the code that is advised around a view."""
    text = code(made, "/page/")
    assert "    ...  # as it is" in text
    names: dict[str, Any] = {"VIEW": view, "__name__": "site"}
    call = "    return VIEW(request, *args, **kwargs)"
    if iscoroutinefunction(view):
        text, call = (
            text.replace("\ndef page(", "\nasync def page("),
            call.replace("VIEW", "await VIEW"),
        )
    exec(compile(text.replace("    ...  # as it is", call), "advised", "exec"), names)
    return names["page"]


@pytest.fixture
def people() -> dict[str, Visitor]:
    """Make a stranger, two members and one of staff."""
    cache.clear()
    stranger, *members = population(4, Random(1), 0.0)
    for name, visitor in zip(("ann", "bob", "boss"), members, strict=True):
        visitor.user = User.objects.create(username=name, is_staff=name == "boss")
        log_in(visitor)
    for visitor in (stranger, *members):
        visitor.cookies.pop("_ga", None)
    return {"stranger": stranger, "ann": members[0], "bob": members[1], "boss": members[2]}


def bodies(
    made: Decision, view: Any, folder: Path, *wanted: tuple[Visitor, str, dict[str, str]]
) -> list[str]:
    """Serve the view with the code around it; return what each visitor got."""
    with world({"page/": advised(made, view)}, folder) as site:
        return [
            site.get(Visit(float(at), visitor, f"/page/{query}", headers)).content.decode()
            for at, (visitor, query, headers) in enumerate(wanted)
        ]


class Counting:
    """A view that says how often it was run, and for whom."""

    def __init__(self, tell: Callable[[HttpRequest], Any]) -> None:
        self.runs = 0
        self.tell = tell

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        self.runs += 1
        return HttpResponse(escape(str(self.tell(request))))


def test_a_page_for_all(people: dict[str, Visitor], tmp_path: Path) -> None:
    """One run, for whomever."""
    view = Counting(lambda request: "x")
    assert (
        bodies(
            decision("cache_page"), view, tmp_path, *[(each, "", {}) for each in people.values()]
        )
        == ["x"] * 4
    )
    assert view.runs == 1


def test_anonymous_visitors_share_and_nobody_else(
    people: dict[str, Visitor], tmp_path: Path
) -> None:
    """Whoever has a session, or sends a token, gets his own, and gives it to nobody."""
    view = Counting(lambda request: request.headers.get("Authorization") or request.user)
    ann, stranger = people["ann"], people["stranger"]
    other = replace(stranger, number=9)
    got = bodies(
        decision("anonymous_only"), view, tmp_path,
        (ann, "", {}), (stranger, "", {"HTTP_AUTHORIZATION": "Token 1"}), (stranger, "", {}), (other, "", {}),
        (ann, "", {}), (people["bob"], "", {}),
    )  # fmt: skip
    assert got == ["ann", "Token 1", "AnonymousUser", "AnonymousUser", "ann", "bob"]
    assert view.runs == 5


def test_what_anonymous_visitors_share_says_that_it_varies(
    people: dict[str, Visitor], tmp_path: Path
) -> None:
    """A proxy must not give it to members, nor a browser after the login."""
    with world(
        {"page/": advised(decision("anonymous_only"), lambda request: HttpResponse("x"))}, tmp_path
    ) as site:
        for at in range(2):
            response = site.get(Visit(float(at), people["stranger"], "/page/"))
            assert response.headers["Vary"] == "Cookie"
            assert "max-age=300" in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("attribute", "tell", "expected", "runs"),
    [
        ("logged_in", lambda r: r.user.is_authenticated, ["False", "True", "True", "True"], 2),
        ("staff", lambda r: r.user.is_staff, ["False", "False", "False", "True"], 2),
    ],
)
def test_a_page_for_each_kind_of_user(
    people: dict[str, Visitor],
    tmp_path: Path,
    attribute: str,
    tell: Any,
    expected: list[str],
    runs: int,
) -> None:
    """Two variants, told apart by what the view itself would ask."""
    view = Counting(tell)
    made = decision("cache_page_vary", attribute=attribute)
    wanted = [(each, "", {}) for each in people.values()]
    assert bodies(made, view, tmp_path, *wanted, *wanted) == expected * 2
    assert view.runs == runs


def test_a_page_for_each_value_of_a_cookie(people: dict[str, Visitor], tmp_path: Path) -> None:
    """No cookie is another value than any; whatever stands in it makes no key of the cache invalid."""
    view = Counting(lambda request: request.COOKIES.get("cur"))
    made = decision("cache_page_vary", attribute="cookie:cur")
    stranger = people["stranger"]
    values = ["EUR", "None", "a b\t" + "x" * 400, "EUR"]
    wanted = [
        (stranger, "", {"HTTP_COOKIE": f"cur={value}; _ga={at}"}) for at, value in enumerate(values)
    ]
    got = bodies(made, view, tmp_path, (stranger, "", {}), *wanted)
    assert got == ["None", "EUR", "None", "a b\t" + "x" * 400, "EUR"]
    assert view.runs == 4


def test_a_page_for_telephones(people: dict[str, Visitor], tmp_path: Path) -> None:
    """Told apart as the probe tells them apart, with whose eyes the evidence was seen."""
    view = Counting(lambda request: shown.is_mobile(request.headers["User-Agent"]))
    made = decision("cache_page_vary", attribute="mobile")
    agents = [
        f"{word} 1.0" for word in (*shown.MOBILE, "Android", "Firefox", "Mobile Safari", "iPad")
    ]
    wanted = [(people["stranger"], "", {"HTTP_USER_AGENT": agent}) for agent in agents]
    assert bodies(made, view, tmp_path, *wanted) == [
        str(shown.is_mobile(agent)) for agent in agents
    ]
    assert view.runs == 2


def test_a_page_for_each_value_of_a_header(people: dict[str, Visitor], tmp_path: Path) -> None:
    """Each value has an entry of its own, and so has its absence."""
    view = Counting(lambda request: request.headers.get("HX-Request"))
    made = decision("cache_page_vary", attribute="header:hx-request")
    stranger, sent = people["stranger"], {"HTTP_HX_REQUEST": "true"}
    got = bodies(
        made,
        view,
        tmp_path,
        (stranger, "", {}),
        (stranger, "", sent),
        (stranger, "", {}),
        (stranger, "", sent),
    )
    assert got == ["None", "true", "None", "true"]
    assert view.runs == 2


@pytest.mark.parametrize("translated", [True, False])
def test_a_page_for_each_value_of_accept_language(
    people: dict[str, Visitor], tmp_path: Path, settings: Any, translated: bool
) -> None:
    """With USE_I18N Django leaves that header out of its key, and Austria would get Switzerland's page."""
    settings.USE_I18N = translated
    view = Counting(lambda request: request.headers.get("Accept-Language"))
    made = decision("cache_page_vary", attribute="header:accept-language")
    wanted = [
        (people["stranger"], "", {"HTTP_ACCEPT_LANGUAGE": each})
        for each in ("de-AT", "de-CH", "de-AT")
    ]
    assert bodies(made, view, tmp_path, *wanted) == ["de-AT", "de-CH", "de-AT"]
    assert view.runs == 2


def test_a_page_for_values_that_go_together(people: dict[str, Visitor], tmp_path: Path) -> None:
    """Two attributes that told the same visitors apart: each pair of values has an entry of its own.

    Up to Django 6.0 the values of two headers run together in the key: "a" and "bc" is "ab" and "c".
    """
    view = Counting(lambda request: f"{request.headers['X-Plan']} {request.headers['X-Region']}")
    made = decision("cache_page_vary", attribute="header:x-plan")
    assert made.explanation is not None
    made = replace(made, explanation=replace(made.explanation, also=("header:x-region", "mobile")))
    wanted = [
        (people["stranger"], "", {"HTTP_X_PLAN": plan, "HTTP_X_REGION": region})
        for plan, region in (("a", "bc"), ("ab", "c"), ("a", "bc"))
    ]
    assert bodies(made, view, tmp_path, *wanted) == ["a bc", "ab c", "a bc"]
    assert view.runs == 2


@pytest.mark.parametrize("headers", [(), ("header:cookie", "header:authorization")])
def test_a_page_of_ones_own(
    people: dict[str, Visitor], tmp_path: Path, headers: tuple[str, ...]
) -> None:
    """Kept for each, given to nobody else."""
    view = Counting(lambda request: f"{request.user} {request.headers.get('Authorization')}")
    made = decision("cache_page_vary", attribute=headers[-1] if headers else "", on=headers)
    wanted = [(people[name], "", {}) for name in ("ann", "bob", "ann", "stranger", "bob")]
    if headers:
        wanted += [
            (people["stranger"], "", {"HTTP_AUTHORIZATION": f"Token {at}"}) for at in (1, 2, 1)
        ]
    got = bodies(made, view, tmp_path, *wanted)
    assert got[:5] == ["ann None", "bob None", "ann None", "AnonymousUser None", "bob None"]
    assert got[5:] == [f"AnonymousUser Token {at}" for at in (1, 2, 1) if headers]
    assert view.runs == (5 if headers else 3)


def test_members_share_inside_the_check(people: dict[str, Visitor], tmp_path: Path) -> None:
    """The page is in the cache, and a stranger does not get it."""
    view = Counting(lambda request: "for members")
    made = decision("low_level", "permission_dependent", "login_required")
    got = bodies(
        made,
        view,
        tmp_path,
        (people["ann"], "", {}),
        (people["stranger"], "", {}),
        (people["bob"], "", {}),
    )
    assert got == ["for members", "", "for members"]
    assert view.runs == 1


def test_parameters_left_out(people: dict[str, Visitor], tmp_path: Path) -> None:
    """One entry whatever the campaign and the order; of two values of one name the last one counts."""
    view = Counting(lambda request: f"{request.GET.get('page')}{request.GET.get('x')}")
    made = decision("cache_page", "tracking_parameters", without=("utm_source", "_"))
    queries = [
        "?x=1&page=2&utm_source=a",
        "?_=3&page=2&x=1",
        "?page=1&page=2&x=1",
        "?page=2&page=1&x=1",
        "?x=1&page=2",
    ]
    got = bodies(made, view, tmp_path, *[(people["stranger"], query, {}) for query in queries])
    assert got == ["21", "21", "21", "11", "21"]
    assert view.runs == 3


@pytest.mark.parametrize(
    "made",
    [
        decision("cache_page"),
        decision("anonymous_only"),
        decision("cache_page", "parameter_order"),
        decision("cache_page_vary", attribute="cookie:ab"),
        decision("cache_page_vary", attribute="header:accept"),
        decision("cache_page_vary", attribute="mobile"),
    ],
    ids=lambda each: f"{each.verdict} {each.explanation and each.explanation.attribute}",
)
def test_around_an_async_view(people: dict[str, Visitor], tmp_path: Path, made: Decision) -> None:
    """The decorators stay async with it."""
    runs = []

    async def view(request: HttpRequest) -> HttpResponse:
        runs.append(request)
        return HttpResponse("x")

    stranger = people["stranger"]
    with world({"page/": advised(made, view)}, tmp_path) as site:
        for at in range(3):
            assert site.get(Visit(float(at), stranger, "/page/")).content == b"x"
    assert len(runs) == 1


def test_a_fragment(people: dict[str, Visitor]) -> None:
    """It is a template that renders, and keeps what stands in it."""
    text = code(decision("fragment", "csrf_token"), "/page/")
    template = engines["django"].from_string(
        text.replace("... what is the same for all", "{{ name }}").partition(";")[0]
        + "{% endcache %}"
    )
    assert [template.render({"name": name}).split() for name in ("ann", "bob")] == [
        ["ann"],
        ["ann"],
    ]


EVERY = [
    decision("cache_page"),
    decision("cdn"),
    decision("cache_page", "tracking_parameters", without=("a'b", "_")),
    decision("conditional"),
    decision("low_level", "query_repeats"),
    decision("low_level", "anonymous_not_seen", "check_each"),
    decision("low_level", "permission_dependent", "login_required"),
    decision("cached_sessions"),
    *(
        decision("cache_page_vary", attribute=each)
        for each in ("superuser", "host", "scheme", "language", "cookie:a'b\\")
    ),
]


@pytest.mark.parametrize(
    "route", ["/", "/class/", "/shop/<int:pk>/", "/2fa/", "/a-b/<slug:x>.html", "/ä/"]
)
@pytest.mark.parametrize("made", EVERY, ids=lambda each: each.verdict)
def test_every_code_compiles(made: Decision, route: str) -> None:
    """Whatever the route is called."""
    assert ast.parse(code(made, route)).body


def test_no_code_where_nothing_is_to_be_done() -> None:
    """Neither where nothing may be cached, nor where it is already."""
    assert code(decision("do_not_cache", "personalized"), "/page/") == ""
    assert code(decision("cache_page", "already_cached"), "/page/") == ""
