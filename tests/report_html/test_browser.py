"""The HTML report in a real browser: Chromium, from disk, under its own policy, in each of the ways people read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfkit.report.html import to_html
from tests.browser import visited
from tests.report_html import made

#: What is made once for the whole file is made in one process only.
pytestmark = pytest.mark.xdist_group("report")

VISIT = Path(__file__).with_name("visit.mjs")
LIGHT_PAGE, DARK_PAGE = "rgb(246, 247, 249)", "rgb(15, 19, 24)"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Visit a report and a hostile one; return what the browser found."""
    folder = tmp_path_factory.mktemp("report")
    plain, hostile = folder / "report.html", folder / "hostile.html"
    plain.write_text(to_html(made.model(comparison=made.comparison()), "1.2.3"), "ascii")
    text = to_html(made.model(made.HOSTILE, comparison=made.comparison(made.HOSTILE)), "1.2.3")
    hostile.write_text(text, "ascii")
    found = visited(VISIT, str(plain), str(hostile), str(folder))
    return {**found, "pdf": (folder / "report.pdf").read_bytes()}


def test_nothing_is_refused_and_nothing_fails(seen: Any) -> None:
    """Over all visits: no violation of the policy, no message on the console, no error."""
    assert seen["complaints"] == []


def test_nothing_is_asked_of_a_network(seen: Any) -> None:
    """The page is one file; its icon is in it."""
    assert {url.split(":")[0] for url in seen["requests"]} <= {"file", "data"}
    assert {url.rsplit("/", 1)[-1] for url in seen["requests"] if url.startswith("file")} == {
        "report.html",
        "hostile.html",
    }


def test_plots_are_drawn_where_they_are_seen(seen: Any) -> None:
    """Those of the page at once, those of a closed row not before it opens; deploys are marked."""
    drawn = {each["plot"] for each in seen["drawn"] if each["shapes"] > 3}
    assert drawn == {"heat", "parts", "time", "statements", "findings", "changes"}
    assert {each["of"] for each in seen["drawn"] if each["shapes"]} == {"", "whole"}
    assert all(bool(each["shapes"]) == each["visible"] for each in seen["drawn"])
    # In both plots over time two deploys; the second has the line of zero besides.
    assert seen["marks"] == 2 + 2 + 1


def test_the_tables_hold_what_the_plots_show(seen: Any) -> None:
    """Each plot over time has a table with a row a step, with the very figures, and the deploys."""
    model = made.model()
    assert model.series is not None
    lines = {"whole": model.series.whole}
    told = {(each.route, each.method): each for each in model.series.routes}
    for place, row in enumerate(model.routes, 1):
        lines[str(place)] = told[row.route, row.method]
    tables = {(each["plot"], each["of"]): each for each in seen["tables"]}
    assert len(tables) == 2 + 3 * len(model.routes)
    for (plot, of), table in tables.items():
        line = lines[of]
        assert len(table["rows"]) == made.STEPS
        assert table["heads"][1] == "Requests"
        assert [int(row[1]) for row in table["rows"]] == list(line.requests)
        assert [row[-1] for row in table["rows"] if row[-1]] == ["v1.4", "v1.5"]
        if plot == "heat":
            counts = [[int(cell) for cell in row[6:-1]] for row in table["rows"]]
            assert counts == [list(each) for each in line.heat.counts]


def test_the_keyboard_reaches_and_opens_everything(seen: Any) -> None:
    """From the top of the page to a route, its plots, a plot's table, a kept request and its timeline."""
    assert seen["firstStop"] == "skip"
    keyboard = seen["keyboard"]
    assert None not in keyboard.values()
    assert keyboard["outline"] == "solid"
    assert keyboard["opened"] is True
    assert keyboard["drawn"] == 3
    assert keyboard["rows"] == made.STEPS
    assert keyboard["timeline"] == 3


def test_the_edit_is_copied(seen: Any) -> None:
    """The button puts the code to write on the clipboard, and nothing besides."""
    assert seen["copied"] == '.select_related("supplier")'


def test_the_pointer_is_told_the_figures(seen: Any) -> None:
    """Beside the cell stand its time, its latency and its requests."""
    assert "p50" in seen["tip"]
    assert "ms: " in seen["tip"]


def test_the_theme_follows_the_system_until_it_is_chosen(seen: Any) -> None:
    """The button goes from automatic to light to dark; a choice outlives the page."""
    assert seen["theme"] == {
        "before": LIGHT_PAGE,
        "dark": DARK_PAGE,
        "after": DARK_PAGE,
        "name": "dark",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(seen: Any, scheme: str) -> None:
    """With a row of each kind open, axe-core's rules hold: contrast, names, order, tables, regions."""
    assert seen["axe"][scheme] == []


def test_a_narrow_screen_has_no_sideways_scrolling(seen: Any) -> None:
    """At 360 px everything fits, open and closed; axe-core agrees."""
    narrow = seen["narrow"]
    assert narrow["closed"] == {"page": 360, "window": 360}
    assert narrow["open"] == {"page": 360, "window": 360}
    assert narrow["axe"] == []
    assert narrow["drawn"] == 6 + 3 * len(made.ROUTES) + 2 + 1
    assert seen["spread"] == {"page": 1280, "window": 1280}


def test_motion_is_left_out_where_it_is_not_wanted(seen: Any) -> None:
    """Without motion nothing fades and nothing glides."""
    assert seen["motion"]["moving"].startswith("0.15s")
    assert (seen["motion"]["reduced"], seen["motion"]["scroll"]) == ("0s", "auto")


def test_it_prints_dark_on_white(seen: Any) -> None:
    """On paper there are no buttons, tables are whole, and a dark theme does not blacken the sheet."""
    shown = seen["print"]
    assert (shown["background"], shown["text"]) == ("rgb(255, 255, 255)", "rgb(24, 33, 44)")
    assert (shown["buttons"], shown["edits"], shown["scroll"]) == (0, 3, "visible")
    assert shown["plots"] == 6
    assert seen["pdf"].startswith(b"%PDF")


def test_forced_colors_keep_the_steps_of_a_heat_map(seen: Any) -> None:
    """Text and surfaces are the reader's; data keep apart by lightness."""
    forced = seen["forced"]
    assert forced["active"] is True
    assert forced["heat"] >= 3
    assert forced["surface"] == forced["page"]


def test_without_scripts_everything_but_the_plots_is_there(seen: Any) -> None:
    """The page says what is missing, shows no button that does nothing, and its rows open."""
    assert seen["scriptless"] == {
        "told": True,
        "edit": '.select_related("supplier")',
        "buttons": 0,
        "kept": True,
    }


def test_hostile_texts_are_texts(seen: Any) -> None:
    """Nothing of a route, statement or finding runs or loads, it is all shown, and it breaks no layout."""
    hostile = seen["hostile"]
    assert (hostile["hacked"], hostile["images"]) == (False, 0)
    assert "</script><script>hacked=1</script>" in hostile["shown"]
    assert hostile["plots"] == 6 + 3 * len(made.ROUTES) + 2 + 1
    assert hostile["wide"] == {"page": 1280, "window": 1280}
    assert hostile["narrow"] == {"page": 360, "window": 360}
