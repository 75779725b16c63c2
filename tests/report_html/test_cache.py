"""The section on caching: what to write with its curve, what to leave, and nothing where nothing is known."""

from __future__ import annotations

from dataclasses import replace

from perfkit.report.html.cache import cache_curves, cache_section
from tests.report_html import made
from tests.report_html.test_document import page


def test_a_route_worth_caching_says_what_to_write_what_it_saves_and_why() -> None:
    """Verdict, timeout, figures with their bounds, reasons, evidence and code, in that order."""
    told = page().text
    for text in (
        "1 GET /products/ 19.5 s of work an hour cache it for 5 min cache_page · 46 % hits (41 % to 50 %)",
        "1.2 % of them out of date (at most 2.0 %) · 1.2 MB of memory",
        "Write from django.views.decorators.cache import cache_page @cache_page(300) Copy",
        "everybody gets the same",
        "none differed: with 95 % certainty at most 0.2 % of all do",
        "a hit would leave out 4.0 UPDATE shop_page an hour",
        "answer 304 where nothing has changed",
    ):
        assert text in told


def test_the_code_is_copied_as_it_is() -> None:
    """Line ends and all; its button names the route it is for."""
    read = page()
    buttons = {
        given["data-copy"]: given["aria-label"] for _, given in read.tags if "data-copy" in given
    }
    assert buttons["cache-1-code"] == "Copy the code to write for GET /products/"
    assert any(text.endswith("cache_page\n\n\n@cache_page(300)") for text in read.texts)


def test_a_curve_has_its_table() -> None:
    """A row a timeout, with the advised one marked; what is plotted are the same figures."""
    read = page()
    assert "5 min 46.0 % 1.2 % 19.5 s this one 15 min 58.0 %" in read.text
    curves = read.data["cache"]
    assert list(curves) == ["cache-1"]
    assert curves["cache-1"]["rows"][3] == ["5 min", 0.46, 0.012]
    assert curves["cache-1"]["advised"] == "5 min"
    plots = [given["data-of"] for _, given in read.tags if given.get("data-plot") == "cache"]
    assert plots == ["cache-1"]


def test_what_is_to_be_left_is_a_line_each() -> None:
    """With the reason, where there is one."""
    told = page().text
    assert (
        "Leave as they are GET /account/ : do not cache it , different visitors get different"
        in told
    )
    assert "GET /c/ : not enough seen to say" in told


def test_nothing_is_said_where_nothing_is_known() -> None:
    """No heading, no link, no plot."""
    read = page(cache=())
    assert "Caching" not in read.text
    assert "caching" not in read.ids
    assert read.data["cache"] == {}


def test_with_nothing_to_do_the_section_says_so() -> None:
    """A reader learns that it was looked at."""
    assert "No route is worth caching by what was seen." in page(cache=made.caching()[2:]).text


def test_the_limit_cuts_both_lists() -> None:
    """And tells how many there are besides."""
    model = made.model()
    few = replace(model, options=replace(model.options, limit=1))
    section = cache_section(few)
    assert section is not None
    assert (len(section.worth), len(section.quiet), section.more) == (1, 1, "2 more routes")
    assert list(cache_curves(few)) == ["cache-1"]


def test_no_text_of_the_site_is_obeyed() -> None:
    """Routes, code and tables' names hold whatever they hold."""
    read = page(made.HOSTILE)
    assert "hacked" not in "".join(each for each in read.ours)
    assert not [tag for tag, _ in read.tags if tag == "img"]
    assert f"GET /account/{made.HOSTILE[:9]}" in read.text
