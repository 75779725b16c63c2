"""How a comparison reads."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.report.compare.model import (
    BETTER,
    DRIFT_REMOVED,
    SAME,
    SAME_TIME,
    WORSE,
    Comparison,
    Figure,
    RouteChange,
    Side,
)
from perfkit.report.compare.text import comparison
from perfkit.report.compare.wording import claims, line, side, span, unchanged
from perfkit.report.markdown.comparison import comparison as in_markdown


def cells(name: str, before: float | None, after: float | None, **fields: Any) -> tuple[str, ...]:
    """Write one figure as cells."""
    found = line(Figure(name, before, after, **fields))
    return found.before, found.after, found.change, found.range, found.drift


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (cells("p95_ms", 120.0, 150.0, low=18.0, high=42.0),
         ("120", "150", "+25 %", "+15 % to +35 %", "")),
        (cells("p95_ms", 100.0, 108.0, low=9.0, high=27.0, drift=-10.0),
         ("100", "108", "+20 %", "+10 % to +30 %", "−10 %")),
        (cells("error_share", 0.01, 0.031, low=0.01, high=0.032),
         ("1.0 %", "3.1 %", "+2.1 points", "+1.0 points to +3.2 points", "")),
        (cells("statements_per_request", 4.0, 3.0, low=-1.0, high=-1.0),
         ("4", "3", "−25 %", "−25 % to −25 %", "")),
        (cells("statements_per_request", 0.0, 3.5, low=3.0, high=4.0),
         ("0", "3.5", "+3.5", "+3 to +4", "")),
        (cells("p95_ms", None, 3.0), ("–", "3.0", "–", "–", "")),
    ],
)  # fmt: skip
def test_figures_have_their_signs_and_units(written: Any, expected: Any) -> None:
    """Times and counts as shares of what they would have been, shares in points."""
    assert written == expected


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(60, "1 min"), (600, "10 min"), (7_200, "2 h"), (86_400, "1 d"), (90, "90 s")],
)
def test_spans_have_a_unit(seconds: int, told: str) -> None:
    """The largest that divides them."""
    assert span(seconds) == told


def test_a_window_of_one_day_names_it_once() -> None:
    """And a longer one twice."""
    short = side(Side(1_800_000_000.0, 1_800_003_600.0, 10, 1), 600)
    assert short.count("2027-01-15") == 1
    assert "10 requests in 1 span of 10 min" in short
    assert side(Side(1_800_000_000.0, 1_800_100_000.0, 10, 3), 600).count("2027-01-") == 2


def route(name: str, verdict: str, high: float = 5.0) -> RouteChange:
    """Make a route of which the mean has this verdict."""
    mean = Figure("mean_ms", 100.0, 130.0, high - 10, high, 0.001, verdict)
    p95 = Figure("p95_ms", 200.0, 230.0, high - 10, high, 0.5, SAME)
    return RouteChange(name, "GET", 100, 100, 3_000.0, verdict, "", (mean, p95))


def made(*routes: RouteChange, method: str = SAME_TIME, **fields: Any) -> Comparison:
    """Make a comparison of them."""
    days = Side(0.0, 3_600.0, 100, 6), Side(86_400.0, 90_000.0, 100, 6)
    return Comparison("2d..1d", None, *days, 600, method, routes, tested=2 * len(routes), **fields)


def test_claims_say_how_the_windows_were_compared() -> None:
    """And nothing where nothing was tested."""
    told = " ".join(claims(made(route("/", SAME))))
    assert "a daily cycle cancels out" in told
    assert "the drift is what" in " ".join(claims(made(route("/", SAME), method=DRIFT_REMOVED)))
    assert list(claims(made())) == []


def test_a_slowdown_is_ruled_out_by_the_range() -> None:
    """Of routes without a difference."""
    told = unchanged(made(route("/a/", SAME), route("/b/", SAME, high=50.0)))
    assert told.startswith("2 routes without a difference")
    assert "of 1 a p95 or mean more than 20 % slower is ruled out" in told
    assert unchanged(made(route("/b/", SAME, high=50.0))).endswith("told from chance")
    assert unchanged(made(route("/b/", WORSE))) == ""


def test_what_is_beyond_the_limit_is_counted() -> None:
    """In text and in Markdown; what got better has its own part."""
    labels = tuple(("GET", f"/{number}/") for number in range(3))
    compared = made(
        *(route(f"/{number}/", WORSE) for number in range(3)),
        route("/fast/", BETTER),
        gone_routes=labels,
    )
    text = "".join(str(part) for part in comparison(compared, 1))
    assert "and 2 more routes beyond --limit" in text
    markdown = "\n".join(in_markdown(compared, 1))
    assert markdown.count("and 2 more routes beyond `--limit`") == 2
    assert "### Better: 1 route" in markdown
    assert "### Worse: 3 routes" in markdown
    assert "| `GET /2/` |" not in markdown
