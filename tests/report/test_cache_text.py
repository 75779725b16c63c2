"""The advice in words: figures with their bounds, evidence told as it is, bars that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfkit.caching.decision import VERDICTS
from perfkit.caching.policy import PLAIN_POLICIES, VARY_ON_HEADERS
from perfkit.report.cache_route import BAR_COLUMNS, POLICIES, bar, route_in_full
from perfkit.report.cache_text import WORDS, duration, evidence, headline, lines, section
from tests.report_html.made import advice, caching


def test_every_verdict_and_policy_has_its_words() -> None:
    """None is told by its slug."""
    assert set(WORDS) == set(VERDICTS)
    assert set(POLICIES) == {*(policy.name for policy in PLAIN_POLICIES), VARY_ON_HEADERS}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(5, "5 s"), (60, "1 min"), (90, "90 s"), (900, "15 min"), (3_600, "1 h"), (21_600, "6 h")],
)
def test_timeouts_are_told_as_people_do(seconds: int, told: str) -> None:
    """In the largest unit that is whole."""
    assert duration(seconds) == told


def test_a_route_in_words() -> None:
    """Headline, figures with intervals, reasons, evidence, code set in."""
    made = advice()
    assert headline(made) == "GET /products/: cache it for 5 min"
    told = list(lines(made))
    assert told[0].startswith(
        "46 % of the requests would be hits (41 % to 50 %); saves 19.5 s of work"
    )
    assert told[1:3] == [
        "- everybody gets the same",
        "- each worker has a cache of its own, as LocMemCache is",
    ]
    assert told[-1] == "    @cache_page(300)"
    assert not any("@cache_page" in line for line in lines(made, with_code=False))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"comparisons": 0}, "compared: no answers to different visitors"),
        ({"mismatches": 9}, "compared: 2,408 answers to different visitors, 9 differed"),
        ({"mismatch_upper": 0.0001}, "with 95 % certainty at most 0.1 % of all do"),
        ({"mismatch_upper": 0.00999}, "with 95 % certainty at most 1.0 % of all do"),
        ({"mismatch_upper": 0.0121}, "with 95 % certainty at most 1.3 % of all do"),
        ({"hit_ratio_now": 0.31}, "now: 31 % answered by Django's cache"),
        ({"attribute": "cookie:theme", "variants": 3}, "hangs on cookie:theme, which has 3 values"),
        ({"parameters_left_out": ["a", "b"]}, "parameters left out: a, b"),
        (
            {"addresses": 1, "visitors": 1, "requests": 1},
            "seen: 1 request in 6 h, 1 address, 1 visitor, ",
        ),
        ({"hours": 0.02}, "requests in 1 min, "),
        ({"hours": 0.75}, "requests in 45 min, "),
        ({"hours": 0.75}, "what is told for an hour is stretched from that"),
        (
            {"attribute": "mobile", "variants": 2, "attributes_also": ["header:x-plan"]},
            "hangs on mobile or header:x-plan, which has 2 values",
        ),
        ({"hours": 48.0}, "requests in 48 h, "),
        ({}, "a hit would leave out 4.0 UPDATE shop_page an hour"),
    ],
)
def test_evidence_is_told_as_it_is(fields: dict[str, object], told: str) -> None:
    """An upper end is rounded up: what was not seen is never told as nothing."""
    made = advice()
    changed = replace(made, evidence={**made.evidence, **fields})
    assert any(told in line for line in evidence(changed))


def test_a_section_has_what_to_do_first() -> None:
    """In full, and then the rest in a line each; both cut at the limit."""
    told = list(section(caching(), 20))
    assert told[0] == "GET /products/: cache it for 5 min"
    assert told[-2:] == [
        "GET /account/: do not cache it: different visitors get different answers",
        "GET /c/: not enough seen to say",
    ]
    few = list(section(caching(), 1))
    assert "GET /c/: not enough seen to say" not in few


@pytest.mark.parametrize(
    ("share", "columns"),
    [(0.0, 0), (0.0001, 1), (0.5, BAR_COLUMNS / 2), (1.0, BAR_COLUMNS), (1.2, BAR_COLUMNS)],
)
def test_a_bar_shows_that_there_is_something(share: float, columns: float) -> None:
    """However little it is, and never more than all."""
    assert bar(share) == "█" * int(columns)


def test_the_advised_cell_is_marked_under_its_policy_only() -> None:
    """Another policy has the same timeout, but nobody advises it."""
    made = advice()
    rows = [*made.table, *({**row, "policy": "cdn"} for row in made.table)]
    told = list(route_in_full(made, rows))
    assert sum("<- advised" in line for line in told) == 1
    assert told.index("  cache_page on the view") < told.index(f"  {POLICIES['cdn']}")


def test_without_figures_there_is_no_table() -> None:
    """A POST has no policy to tell of."""
    told = list(route_in_full(caching()[2], []))
    assert not any("timeout" in line for line in told)
