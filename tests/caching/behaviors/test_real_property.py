"""Random rules of who gets what, as real views behind Django's own handler: no verdict shares what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)

from perfkit.caching.backend import BackendFacts
from perfkit.caching.columns import Columns, by_route
from perfkit.caching.facts import facts_of, resolve_audiences
from perfkit.caching.saving import Setting
from perfkit.caching.verdict import decide
from tests.caching.behaviors.test_property import mixed_up, shares
from tests.caching.behaviors.world import at_random, population, spend, world

#: The database is made for tests that say so; what is made once for the file is made in one process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("test_real_property")]

VIEWS, VISITS, HOURS = 20, 400, 2.0

#: What a view is told by a request.
Rule = Callable[[HttpRequest], Any]


def _few(request: HttpRequest, salt: int, of: int) -> bool:
    return (int(request.user.pk or 0) * 7 + salt) % of == 0


#: How answers differ: name -> the rule, salted.
RULES: dict[str, Callable[[int], Rule]] = {
    "nothing": lambda salt: lambda request: 0,
    "nothing, though it looks": lambda salt: lambda request: 0 * request.user.is_active,
    "user": lambda salt: lambda request: request.user.pk,
    "logged in": lambda salt: lambda request: request.user.is_authenticated,
    "staff": lambda salt: lambda request: request.user.is_staff,
    "a few users": lambda salt: (
        lambda request: _few(request, salt, 9) and request.user.is_authenticated
    ),
    "one user": lambda salt: lambda request: _few(request, salt, 31) and request.user.pk,
    "half of the users": lambda salt: (
        lambda request: request.user.is_authenticated and _few(request, salt, 2)
    ),
    "cookie": lambda salt: lambda request: request.COOKIES.get("plan"),
    "a cookie of some": lambda salt: lambda request: "_ga" in request.COOKIES,
    "the whole of a cookie": lambda salt: lambda request: request.COOKIES.get("_ga"),
    "cookie and user": lambda salt: lambda request: (request.COOKIES.get("plan"), request.user.pk),
    "header": lambda salt: lambda request: request.headers.get("X-Part"),
    "header and staff": lambda salt: (
        lambda request: (request.headers.get("X-Part"), request.user.is_staff)
    ),
    "address": lambda salt: (
        lambda request: (sum(request.META["REMOTE_ADDR"].encode()) + salt) % 5 == 0
    ),
    "browser": lambda salt: lambda request: "iPhone" in request.headers["User-Agent"],
    "all of the browser": lambda salt: lambda request: request.headers["User-Agent"],
    "session": lambda salt: lambda request: request.session.session_key,
}
WAYS = ("body", "body", "body", "header", "refusal", "redirect", "stream", "empty")


def view_of(name: str, rule: Rule, way: str, every_s: float, noted: dict[float, Any]) -> Any:
    """Make a view whose answer hangs on a rule, on the page, and on a version of the content."""
    import time

    def view(request: HttpRequest, page: int) -> Any:
        spend(30)
        now = time.time()
        truth = noted[now] = rule(request)
        version = int(now // every_s) if every_s else 0
        content = f"{page} {version}"
        if way == "body":
            return HttpResponse(f"{content} {truth!r}")
        if way == "header":
            return HttpResponse(content, headers={"X-For": repr(truth)})
        if truth and way == "refusal":
            raise Http404
        if truth and way == "redirect":
            return HttpResponseRedirect("/elsewhere/")
        if truth and way == "stream":
            return StreamingHttpResponse([content.encode()])
        if truth and way == "empty":
            return HttpResponse(status=204)
        return HttpResponse(content)

    view.__name__ = name
    return view


class Served:
    """What was noted of each view, with the rule it follows and the truth of each answer."""

    def __init__(self, folder: Path) -> None:
        rng = Random(60)
        people = population(60, rng)
        for visitor in people:
            visitor.cookies["plan"] = rng.choice("abc")
        self.told: dict[str, tuple[str, str]] = {}
        self.noted: dict[float, Any] = {}
        views, visits = {}, []
        for number in range(VIEWS):
            name = list(RULES)[number % len(RULES)]
            way = "body" if number < len(RULES) else rng.choice(WAYS)
            route = f"v{number}/<int:page>/"
            self.told[f"/{route}"] = name, way
            every_s = rng.choice((0.0, 0.0, 1_800.0))
            views[route] = view_of(name, RULES[name](rng.randrange(99)), way, every_s, self.noted)
            pages = rng.choice((1, 4))
            visits += at_random(
                rng, VISITS, HOURS, people,
                lambda rng, number=number, pages=pages: f"/v{number}/{rng.randrange(pages)}/",
                headers=lambda rng, _: {"HTTP_X_PART": "1"} if rng.random() < 0.3 else {},
            )  # fmt: skip
        with world(views, folder) as made:
            made.run(visits)
            self.routes: dict[str, Columns] = by_route(made.site.events())
        self.crew = resolve_audiences(self.routes.values())


@pytest.fixture(scope="module")
def served(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Visit all views once."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Served(tmp_path_factory.mktemp("real"))
        transaction.set_rollback(True)


@pytest.mark.parametrize("number", range(VIEWS))
def test_no_verdict_shares_what_differs(number: int, served: Served) -> None:
    """Whatever it hangs on, and in whatever way it shows."""
    route = f"/v{number}/<int:page>/"
    columns = served.routes[route]
    decision = decide(
        facts_of(columns, HOURS, crew=served.crew),
        Setting(BackendFacts("redis"), HOURS, 0.01),
        "sessionid",
    )
    truths = [served.noted[at] for at in columns.at]
    assert len(truths) == VISITS
    if shares(decision):
        assert mixed_up(columns, decision, truths) == 0, (
            served.told[route],
            decision.verdict,
            decision.reasons,
        )
    elif served.told[route][0].startswith("nothing"):
        # Where the view looks, or is edited, 400 visits are few: 25 for each version of a page.
        few = decision.reasons in (("members_not_seen",), ("changes_not_witnessed",))
        told = (served.told[route], decision.verdict, decision.reasons)
        assert few or decision.verdict in ("cache_page", "low_level", "not_worth_it"), told
