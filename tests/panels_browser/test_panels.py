"""The panels in real browsers: Chromium and Firefox, in the toolbar's shadow root, under a strict policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import browser, firefox

#: What is made once for the whole file is made in one process only.
pytestmark = pytest.mark.xdist_group("panels in browsers")

VISIT = Path(__file__).with_name("visit.mjs")
BROWSERS = {"chromium": browser.visited, "firefox": firefox.visited}


@pytest.fixture(scope="module", params=sorted(BROWSERS))
def seen(request: pytest.FixtureRequest, shop: str) -> Any:
    """Visit the shop in one browser; return what it found."""
    return BROWSERS[request.param](VISIT, shop, "")


def test_nothing_is_refused_and_nothing_fails(seen: Any) -> None:
    """Over all visits: no violation of the policy, no error on the console."""
    assert seen["complaints"] == []


def test_every_panel_opens_in_the_shadow_root(seen: Any) -> None:
    """Each has its line in the sidebar, its style, and the request that it is about."""
    assert seen["shadow"] is True
    for panel in seen["panels"].values():
        assert panel["title"] == "GET /products/suppliers/ 200"
        assert "see the log" not in panel["text"]
    buttons = {name: panel["button"] for name, panel in seen["panels"].items()}
    assert "perfkit: advice (1)" in buttons["Advice"]
    assert "20 statements less" in buttons["Advice"]
    assert "21 statements in" in buttons["Queries"]


def test_the_time_line_is_drawn(seen: Any) -> None:
    """Every phase has its bars, as wide as it took."""
    assert len(seen["bars"]) >= 4
    assert all(seen["bars"])
    assert seen["lane"] > 100


def test_a_statement_is_laid_out_valued_and_explained_on_request(seen: Any) -> None:
    """Nothing of that is there before it is asked for."""
    assert seen["secretive"] is True
    assert seen["values"] > 0
    assert "shop_supplier" in seen["plan"]


def test_a_line_opens_in_the_editor(seen: Any) -> None:
    """The link is the editor's own."""
    assert seen["editor"].startswith("vscode://file/")
    assert "file//" not in seen["editor"]
    assert seen["editor"].endswith("shop/pathologies.py:20")


def test_the_edit_is_copied(seen: Any) -> None:
    """It is on the clipboard, or selected where a browser does not let a page write there."""
    assert seen["edit"] == '.select_related("supplier")'
    assert seen["said"] in ("Copied", "Selected: press Ctrl+C")


def test_what_the_store_knows_comes_when_it_is_looked_at(seen: Any) -> None:
    """The cache advice, and the captures, or what it takes to see them."""
    # The worker may not have written what it saw yet.
    assert "seen:" in seen["cache"] or "Nothing " in seen["cache"]
    assert "perfkit.capture_profile" in seen["refused"]


def test_the_keyboard_reaches_what_is_clicked(seen: Any) -> None:
    """From a panel's button to a statement's values, with the focus to be seen."""
    assert seen["keyboard"] is not None
    assert seen["outline"] == "solid"


def test_a_request_of_a_script_is_in_the_history(seen: Any) -> None:
    """Its record's id is in a header; switching to it changes the panels, and they work on."""
    assert len(seen["record"]) == 32
    assert seen["switched"] == "GET /api/products/ 200"


def test_a_page_that_is_put_in_place_brings_working_panels(seen: Any) -> None:
    """As HTMX does it: a new body with a new toolbar in the same document."""
    assert seen["boosted"] == "GET /products/tags/ 200"


def test_a_page_is_captured_from_its_panel(seen: Any) -> None:
    """Staff clicks, the page is loaded anew, its capture is told and then listed with a link."""
    assert "this request was captured" in seen["captured"]
    assert seen["listed"] >= 1
    assert "/captures/" in seen["link"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(seen: Any, theme: str) -> None:
    """Every panel open, in both themes: contrast, names, order, tables."""
    assert seen[theme] == theme
    assert seen["axe"][theme] == []
