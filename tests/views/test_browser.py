"""The capture pages in a real browser: every page in both themes and at 360 px, by keyboard and by pointer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.browser import visited
from tests.views.site import fill, served, store_of

#: What is made once for the whole file is made in one process only.
pytestmark = pytest.mark.xdist_group("capture pages")

VISIT = Path(__file__).with_name("visit.mjs")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Any:
    """Visit every page; return what the browser found, and where the site was."""
    database = store_of(tmp_path_factory.mktemp("pages"))
    with django_db_blocker.unblock():
        fill(database)
        with served(database) as site:
            return {**visited(VISIT, site), "site": site}


def test_nothing_is_refused_and_nothing_fails(seen: Any) -> None:
    """Over all visits: no violation of the policy, no message on the console, no error; no hostile text ran."""
    assert seen["complaints"] == []
    assert seen["hacked"] is False


def test_nothing_is_asked_of_another_server(seen: Any) -> None:
    """Scripts, styles and the icon are the site's own."""
    assert seen["origins"] == [seen["site"]]


def test_axe_finds_nothing(seen: Any) -> None:
    """Every page, light, dark and narrow; those with hostile texts once more."""
    assert len(seen["axe"]) == 3 * 6 - 2 + 2
    assert {name: found for name, found in seen["axe"].items() if found} == {}


def test_no_page_is_wider_than_a_phone(seen: Any) -> None:
    """At 360 px only what is wide by nature scrolls, by itself."""
    assert {name: each for name, each in seen["widths"].items() if each["page"] > 360} == {}


def test_the_tree_holds_what_the_graph_shows(seen: Any) -> None:
    """Frame by frame: name, time, share; in each order, with foreign frames and without."""
    assert len(seen["same"]) == 6
    for name, each in seen["same"].items():
        time = 2 if name.startswith("ordered") else 1
        # The first frame is the whole, which the tree has no row for.
        drawn = Counter(
            (lines[0], *next(line for line in lines if line.endswith(" of all")).split(", "))
            for lines in each["frames"][1:]
        )
        rows = Counter(
            (row["name"], row["cells"][time], f"{row['cells'][time + 1]} of all")
            for row in each["rows"]
        )
        assert drawn == rows, name
        assert each["spans"] == (22 if time == 2 else 0)
    foreign = {row["name"] for row in seen["same"]["summed mine"]["rows"]}
    assert "CursorWrapper._execute" not in foreign
    assert "suppliers" in foreign
    reversed_roots = [
        row["name"] for row in seen["same"]["reversed all"]["rows"] if row["level"] == 1
    ]
    assert reversed_roots[0] == "CursorWrapper._execute"


def test_the_keyboard_reaches_everything(seen: Any) -> None:
    """Order, my code, search, the tree by arrow keys, zoom and back, the lines of what is selected."""
    keyboard = seen["keyboard"]
    assert None not in keyboard.values()
    assert keyboard["ordered"] is True
    assert "CursorWrapper._execute" in keyboard["all"]
    assert keyboard["found"].startswith("2 of 14 places match, ")
    assert keyboard["marked"] == ["Product.price_with_tax", "as_price"]
    assert keyboard["highlit"] == 2
    assert (keyboard["first"], keyboard["second"]) == ("BaseHandler._get_response", "suppliers")
    assert keyboard["outline"] == "solid"
    assert keyboard["closed"] == 3
    assert keyboard["opened"] > 5
    assert keyboard["child"] == "ForwardManyToOneDescriptor.__get__"
    assert keyboard["parent"] == "BaseHandler._get_response"
    assert keyboard["end"] == "SessionMiddleware.process_request"
    assert keyboard["zoomed"].startswith("Shown: suppliers, ")
    assert keyboard["selected"] == "suppliers"
    assert keyboard["lines"][0].strip() == "supplier = product.supplier"
    assert keyboard["whole"] == "All is shown"


def test_what_is_too_much_is_cut_off_and_told(seen: Any) -> None:
    """A browser stays usable: of deep stacks of thousands of functions so many frames are drawn."""
    assert "stacks are cut off" in seen["large"]["status"]
    assert 100 < seen["large"]["frames"] < 15_000


def test_the_pointer_zooms_and_the_tree_follows(seen: Any) -> None:
    """A click on a frame selects its row; the button shows all again."""
    assert seen["pointer"]["status"].startswith("Shown: template shop/table.html, ")
    assert seen["pointer"]["selected"] == "template shop/table.html"
    assert seen["pointer"]["reset"] == "All is shown"


def test_counts_sort_filter_and_lead_to_callers(seen: Any) -> None:
    """The table of cProfile's counts, one's own code first."""
    counts = seen["counts"]
    assert counts["mine"] == ["suppliers", "Product.price_with_tax"]
    assert counts["hidden"].startswith("3 functions")
    assert counts["byCalls"][:2] == ["<built-in method len>", "Product.price_with_tax"]
    assert counts["sort"] == "descending"
    assert counts["searched"] == ["CursorWrapper._execute"]
    assert counts["callers"][0].startswith("ForwardManyToOneDescriptor.__get__ 20 × 44.0 ms")


def test_a_capture_is_started_from_the_list(seen: Any) -> None:
    """The page opens with the token in a cookie that its scripts cannot read; two captures are compared."""
    start = seen["start"]
    assert start["url"] == "/products/suppliers/"
    (token,) = [each for each in start["cookies"] if each["name"] == "perfkit_capture"]
    assert (token["httpOnly"], token["sameSite"]) == (True, "Strict")
    assert "perfkit_capture" not in start["scripts"]
    assert start["compared"] == "/perfkit/diff/plain/mended/"


def test_forced_colors_keep_the_frames_apart(seen: Any) -> None:
    """The graph is drawn in the system's colors, with edges."""
    assert seen["forced"]["edge"] != seen["forced"]["fill"]


def test_without_scripts_the_functions_are_there(seen: Any) -> None:
    """The page says what is missing, shows no dead control, and has its functions as a table."""
    assert seen["scriptless"]["told"] is True
    assert "suppliers" in seen["scriptless"]["functions"]
    assert seen["scriptless"]["buttons"] == 0
