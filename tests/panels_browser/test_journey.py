"""From the toolbar's button to a flame graph and a comparison, in Chromium and in Firefox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import browser, firefox

#: What is made once for the whole file is made in one process only.
pytestmark = pytest.mark.xdist_group("journey")

VISIT = Path(__file__).with_name("journey.mjs")
BROWSERS = {"chromium": browser.visited, "firefox": firefox.visited}


@pytest.fixture(scope="module", params=sorted(BROWSERS))
def gone(request: pytest.FixtureRequest, shop: str) -> Any:
    """Go all the way in one browser; return what was met."""
    return BROWSERS[request.param](VISIT, shop)


def test_two_clicks_make_two_captures(gone: Any) -> None:
    """Each is of one request, and is in the list when it has been written."""
    assert gone["captures"] >= 2  # a click that was not heard at once is made again


def test_the_keyboard_leads_to_a_capture_and_through_its_table(gone: Any) -> None:
    """Tab and Enter open it; the arrow keys walk its rows."""
    assert gone["toLink"] is not None
    assert gone["address"].startswith("/perfkit/captures/")
    assert gone["toTable"] is not None
    assert gone["moved"] >= 1


def test_the_capture_shows_the_view(gone: Any) -> None:
    """The graph and the table name the site's own function."""
    assert "/products/suppliers/" in gone["title"]
    assert any("suppliers" in each for each in gone["frames"])
    assert any("suppliers" in each for each in gone["rows"])


def test_two_captures_are_compared(gone: Any) -> None:
    """The list's own button leads to the comparison, statement by statement."""
    assert gone["compared"].startswith("/perfkit/diff/")
    assert gone["statements"] is True


def test_nothing_is_refused_and_nothing_fails(gone: Any) -> None:
    """Under a strict policy: no violation, no error on the console."""
    assert gone["complaints"] == []


def test_axe_finds_nothing(gone: Any) -> None:
    """On every page of the way, in both themes."""
    assert {name: told for name, told in gone["axe"].items() if told} == {}
    assert len(gone["axe"]) == 6


def test_a_phone_shows_all(gone: Any) -> None:
    """At 360 pixels nothing is wider than the window."""
    assert sorted(gone["widths"]) == ["capture", "difference", "list"]
    assert max(gone["widths"].values()) <= 0  # a scroll bar may stand beside it
