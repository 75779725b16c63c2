"""Random rules of who gets what, random visitors, random traffic: no verdict shares what differs.

The truth is known: what an answer hangs on besides the address and the version of the content. A
verdict is wrong when two requests that would have one key have different truths, whenever they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from perfkit.caching.backend import BackendFacts
from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import ANONYMOUS, STAFF, UNKNOWN, USER, Event
from perfkit.caching.facts import facts_of, resolve_audiences
from perfkit.caching.policy import NO_PART, keyed
from perfkit.caching.saving import Setting
from perfkit.caching.verdict import Decision, decide
from tests.caching.made import event, seen

#: Verdicts by which answers are kept for others, or for oneself.
SHARES = ("cache_page", "cache_page_vary", "anonymous_only", "cdn", "conditional")


@dataclass
class Person:
    """A visitor, with what shows of him and what does not.

    Attributes:
        number: counts them.
        audience: as in an event.
        team: shows nowhere.
        shown: what his requests show, by the name of the attribute.
    """

    number: int
    audience: int
    team: int
    shown: dict[str, int] = field(default_factory=dict)

    @property
    def is_member(self) -> bool:
        """Whether he is logged in."""
        return self.audience in (USER, STAFF)


#: What an answer hangs on: (person, url, seconds, what the request shows) -> anything.
Rule = Callable[[Person, int, float, dict[str, int]], Any]


def rules(rng: Random) -> tuple[str, Rule, bool]:
    """Choose a rule: its name, itself, and whether the view looks who asks for it."""
    team, number, url = rng.randrange(4), rng.randrange(60), rng.randrange(5)
    share = rng.choice((0.01, 0.05, 0.3))
    special = {each for each in range(60) if rng.random() < share} or {number}
    every: dict[str, tuple[Rule, bool]] = {
        "nothing": (lambda who, page, at, shown: 0, rng.random() < 0.5),
        "each member": (lambda who, page, at, shown: who.number if who.is_member else -1, True),
        "each": (lambda who, page, at, shown: who.number, rng.random() < 0.5),
        "logged in": (lambda who, page, at, shown: who.is_member, True),
        "staff": (lambda who, page, at, shown: who.audience == STAFF, True),
        "each of staff": (lambda who, page, at, shown: who.number if who.audience == STAFF else -1, True),
        "a hidden team": (lambda who, page, at, shown: who.team, True),
        "one hidden team": (lambda who, page, at, shown: who.team == team, rng.random() < 0.5),
        "a few": (lambda who, page, at, shown: who.number in special, rng.random() < 0.7),
        "each of a few": (lambda who, page, at, shown: who.number in special and who.number, True),
        "one": (lambda who, page, at, shown: who.number == number, True),
        "a few on one page": (lambda who, page, at, shown: page == url and who.number in special, True),
        "a cookie": (lambda who, page, at, shown: shown["cookie:theme"], rng.random() < 0.3),
        "a header": (lambda who, page, at, shown: shown["header:hx-request"], False),
        "cookie and header": (
            lambda who, page, at, shown: (shown["cookie:theme"], shown["header:hx-request"]), False,
        ),
        "cookie and member": (
            lambda who, page, at, shown: (shown["cookie:theme"], who.is_member and who.number), True,
        ),
        "a rare value's own": (
            lambda who, page, at, shown: who.number if shown["cookie:theme"] == 3 else -1, rng.random() < 0.5,
        ),
        "members of a team": (lambda who, page, at, shown: who.is_member and who.team == team, True),
        "a visitor's address": (lambda who, page, at, shown: who.number % 7 == 0, False),
        "a few, later": (lambda who, page, at, shown: at > 3_600 and who.number in special, True),
        "a network": (lambda who, page, at, shown: who.team < 2, False),
        "a network on one page": (lambda who, page, at, shown: page == url and who.team < 2, False),
        "a browser": (lambda who, page, at, shown: who.team, False),
        "where somebody is": (lambda who, page, at, shown: shown["network"], rng.random() < 0.5),
    }  # fmt: skip
    name = rng.choice(sorted(every))
    return name, *every[name]


def traffic(rng: Random) -> tuple[str, list[Event], list[Any]]:
    """Make a route's events, and the truth of each."""
    name, rule, looks = rules(rng)
    count = rng.choice((40, 60, 120))
    members, staff = rng.choice((0.0, 0.3, 0.6, 1.0)), rng.choice((0.0, 0.03, 0.1))
    people = []
    for number in range(count):
        draw = rng.random()
        audience = STAFF if draw < staff else USER if draw < members else ANONYMOUS
        shown = {
            "cookie:theme": rng.choices((1, 2, 3), (10, 10, 1))[0],
            "mobile": 1 + number % 2,
            "cookie:_ga": rng.randrange(1, 1 << 60) if rng.random() < 0.5 else 0,
        }
        people.append(Person(number, audience, rng.randrange(4), shown))
    pages, hours = rng.choice((1, 5, 25, 60)), 2.0
    each_s = rng.choice((0.0, 0.0, 600.0, 1_800.0, 5_400.0))
    # Two groups that never meet, by team or by chance, in turns of so many seconds; people who move.
    apart, turn_s = rng.random() < 0.35, rng.choice((3_600.0, 3_600.0, 1_800.0, each_s or 600.0))
    moves = rng.random() < 0.3
    tells = rng.random() < 0.9 or looks
    found, truths = [], []
    requests = rng.choice((400, 900, 1_800))
    for _ in range(requests):
        at = rng.random() * hours * 3_600
        who = rng.choice(people)
        if apart and (who.team < 2) != (at // turn_s % 2 == 0):
            continue
        page = (
            min(int(rng.paretovariate(0.7)), pages)
            if rng.random() < 0.5
            else rng.randrange(1, pages + 1)
        )
        shown = {**who.shown, "header:hx-request": 1 + (rng.random() < 0.3)}
        shown["network"] = 7 if moves and at > 3_600 else 1_000 + who.number
        shown["headers"] = 10_000 + 2 * who.number + shown["header:hx-request"]
        truth = rule(who, page, at, shown)
        version = int((at + 97 * page) // each_s) if each_s else 0
        body = hash((page, truth, version)) & (1 << 62) - 1 | 1
        has_session = who.is_member or (who.number % 10 == 0 and rng.random() < 0.9)
        audience = who.audience if looks and tells else UNKNOWN if has_session else ANONYMOUS
        cookie = hash(
            (who.number if has_session else 0, shown["cookie:theme"], shown["cookie:_ga"])
        )
        attributes = {
            **shown,
            "header:cookie": cookie & (1 << 62) - 1 | 1,
            "cookie:sessionid": who.number + 1 if has_session else 0,
            "logged_in": 1 + who.is_member,
            "staff": 1 + (who.audience == STAFF),
        }
        found.append(
            event(
                at, page, principal=1_000 + who.number + 500 * has_session, audience=audience, body=body,
                has_session=has_session, session_read=looks, user_read=looks, view_ms=50.0,
                inner=seen(page), outer=seen(page), attributes=tuple(sorted(attributes.items())),
            )
        )  # fmt: skip
        truths.append(truth)
    order = sorted(range(len(found)), key=lambda place: found[place].at)
    return name, [found[place] for place in order], [truths[place] for place in order]


def mixed_up(columns: Columns, decision: Decision, truths: list[Any]) -> int:
    """Count keys of what is advised under which different truths meet."""
    assert decision.saving is not None
    what = keyed(columns, decision.saving.policy)
    found: dict[int, set[Any]] = {}
    for place, key in enumerate(what.keys):
        if key != NO_PART:
            found.setdefault(key, set()).add(truths[place])
    return sum(len(each) > 1 for each in found.values())


@pytest.mark.parametrize("seed", range(40))
def test_no_verdict_shares_what_differs(seed: int) -> None:
    """Whatever the rule is, and whoever came."""
    name, events, truths = traffic(Random(seed))
    routes = by_route(events)
    crew = resolve_audiences(routes.values())
    (columns,) = routes.values()
    setting = Setting(BackendFacts("redis"), 2.0, 0.01)
    decision = decide(facts_of(columns, 2.0, crew=crew), setting, "sessionid")
    if shares(decision):
        assert mixed_up(columns, decision, truths) == 0, (name, decision.verdict, decision.reasons)


def shares(decision: Decision) -> bool:
    """Tell whether an answer would be kept around the view, for others or for oneself."""
    inside = decision.verdict == "low_level" and "login_required" in decision.reasons
    return decision.verdict in SHARES or inside
