"""The HTML report: one file that says what the report says, whatever the site's texts hold."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from perfkit.metrics.sample import Sample
from perfkit.record import Part
from perfkit.report.html import to_html
from perfkit.report.html.kept import MOST_OF_A_KIND
from perfkit.report.model import ReportModel
from perfkit.report.options import Options
from perfkit.report.wording import moment
from tests.report_html import made

#: Elements without an end.
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page strictly: tags in balance, ids given once, texts by element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.scripts.append(data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def ours(self) -> list[str]:
        return [each for each in self.scripts if not each.startswith('{"words"')]

    @property
    def data(self) -> Any:
        return json.loads(next(each for each in self.scripts if each.startswith('{"words"')))


def page(text: str = "", **fields: Any) -> Reader:
    """Write a report and read it."""
    return Reader(to_html(made.model(text, **fields), "1.2.3"))


def part(file: str) -> Part:
    """Make an access that an edit covers."""
    return Part("supplier", 5, 5, 3.0, made.Site(file, 7, "read"), (), "SELECT ?")


def empty(*notes: str) -> ReportModel:
    """Make the report of a store without data."""
    model = made.build(made.stored([]), Options(now=made.NOW, since=made.SINCE, format="html"))
    return replace(model, notes=notes, path="")


def test_it_begins_with_the_window_and_the_figures_that_matter() -> None:
    """A reader learns first which time it is about, how much happened, how slow it was, what to do."""
    told = page().text
    window = f"{moment(made.SINCE, zone='')} to {moment(made.NOW)} (12 h)"
    assert f"Where the time goes {window}" in told
    for label in ("Requests ", "Errors ", "95 % took at most ", "Time in all ", "Findings 2 "):
        assert label in told
    assert told.index("95 % took") < told.rindex("Over time") < told.index("Findings, by")


def test_a_finding_has_its_edit_both_places_and_its_statement() -> None:
    """It can be acted on without another tool: what to write, where, instead of what."""
    read = page()
    told = read.text
    assert "shop.Product.supplier" in told
    assert 'Write on the queryset evaluated at shop/views.py:25 .select_related("supplier")' in told
    assert "And read product.supplier once" in told
    assert "Loaded shop/views.py:25 in product_list" in told
    assert "Used shop/templates/products.html:12" in told
    assert 'SELECT … FROM "shop_supplier"' in told
    assert "column_29" in told
    assert "one statement alone takes long" in told
    buttons = [given for tag, given in read.tags if "data-copy" in given]
    assert [given["data-copy"] for given in buttons][:1] == ["finding-1-edit"]


def test_lines_of_code_are_read_where_they_can_be(tmp_path: Any, monkeypatch: Any) -> None:
    """The code of a line stands below its place; where the file is not here, the page says so."""
    (tmp_path / "pages.py").write_text("for x in y:\n    print(x.supplier)  # </pre>\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    site = made.Site("pages.py", 2, "show")
    found = [made.finding(origin=site)]
    records = [made.request("/", made.NOW - 60, 5.0, findings=tuple(found))]
    model = made.build(made.stored(records, found), Options(now=made.NOW, since=None))
    told = Reader(to_html(model, "1")).text
    assert "print(x.supplier) # </pre>" in told
    assert "(the file is not found from here)" in told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"fix": 'list_select_related = ("a",)'}, "Write in the class at shop/views.py:25 list_"),
        ({"fix": "Product.objects.in_bulk(ids)"}, "Write in place of what the loop does at shop/"),
        ({"fix": "in_bulk(ids)", "access": None}, "Write in place of what the loop does in_bulk"),
        ({"origin": None}, "Write on the queryset that loads shop.Product .select_related"),
        ({"origin": None}, "Loaded at a line that is not known Used shop/templates/"),
        ({"model": "", "origin": None}, "Write .select_related"),
        ({"kind": "write_loop"}, "At shop/templates/products.html:12"),
        ({"parts": (part("a.py"), part("b.py"))}, "And at a.py:7 in read"),
    ],
)
def test_an_edit_says_where_it_goes(fields: dict[str, Any], told: str) -> None:
    """Each kind of edit has its place in words, and each line it covers is named."""
    found = made.finding(**fields)
    records = [made.request("/", made.NOW - 60, 5.0, findings=(found,))]
    model = made.build(made.stored(records, [found]), Options(now=made.NOW, since=None))
    assert told in Reader(to_html(model, "1")).text


def test_each_route_opens_into_its_plots_and_requests() -> None:
    """A row has the route's figures; inside are three plots, the requests kept, and what hung."""
    read = page()
    routes = [
        given["id"]
        for tag, given in read.tags
        if tag == "details" and given.get("id", "").startswith("route-")
    ]
    assert routes == [f"route-{place}" for place in range(1, len(made.ROUTES) + 1)]
    for plot in ("heat", "parts", "counts"):
        plots = [given["data-of"] for tag, given in read.tags if given.get("data-plot") == plot]
        assert plots == [*(["whole"] if plot != "counts" else []), "1", "2", "3", "4", "5"]


def test_a_request_that_is_kept_twice_is_shown_once() -> None:
    """One that was both slowest and worst says both, and has its timeline as a table."""
    told = page().text
    assert told.count("61.5 ms") == 1
    assert f"61.5 ms slowest worst N+1 {moment(made.NOW - 4_000, zone='')}" in told
    assert "status 500 · ValueError · cut short by the client · 41 statements" in told
    assert '2 2.5 ms 22.0 ms db 40 SELECT … FROM "shop_supplier" WHERE "id" = ?' in told
    assert "Shorter entries left out: 3" in told


def test_a_stall_shows_its_stacks_from_the_outside_in() -> None:
    """Each line has the share of looks that found it; where stacks part, what follows is set in."""
    read = page()
    assert (
        f"31.5 s ran too long {moment(made.NOW - 6_000, zone='')} · 2 requests, the longest of "
        "them · 30 looks · its answer had begun · its event loop stood still, and with it the "
        "worker In a statement, for 12.2 s: SELECT pg_sleep(?)"
    ) in read.text
    stack = "100 % shop/views.py:55 slow 30 % shop/stock.py:8 wait 70 % shop/stock.py:11 sum"
    assert stack in read.text
    depths = [
        given["class"] for tag, given in read.tags if given.get("class", "").startswith("depth")
    ]
    assert depths == ["depth-0", "depth-1", "depth-1"]


def test_a_comparison_says_what_got_worse_by_how_much_and_how_sure() -> None:
    """It comes before the rest, with the range of each change."""
    read = page(comparison=made.comparison())
    told = read.text
    bars = [(each["label"], each["change"], each["isWorse"]) for each in read.data["changes"]]
    assert bars == [("GET /products/: p95", 1.375, True), ("GET /api/: errors", -1.0, False)]
    assert "Before and after v1.5: 1 route worse, 1 route better" in told
    assert "p95 40.0 ms 95.0 ms +55.0 ms (+137.5 %) +38.0 ms to +71.5 ms worse" in told
    assert "errors 20.0 % 0.0 % −20.0 points (−100.0 %) −30.0 points to −10.0 points better" in told
    assert "mean 3.0 ms – – – not enough data" in told
    assert "Routes without a difference shown (1)" in told
    assert "new (5 requests, which may be chance)" in told
    assert "Only one day of each." in told
    assert told.index("Before and after") < told.index("Findings, by")


def test_without_data_it_says_so() -> None:
    """No empty plots and headings: what to do next."""
    told = Reader(to_html(empty("No data yet. Put the middleware first"), "1")).text
    assert "Nothing to report No data yet. Put the middleware first." in told
    assert "Findings" not in told
    assert "Over time" not in told


def test_without_series_the_tables_are_there() -> None:
    """Where nothing was read by steps, the plots over time are left out and the rest is whole."""
    read = page(series=None)
    assert not [given for tag, given in read.tags if given.get("data-plot") in ("heat", "parts")]
    assert "Routes, by total time" in read.text


def test_no_text_of_the_site_is_obeyed() -> None:
    """Markup, template tags, line ends, hidden characters: all are shown, none is anything else."""
    plain, hostile = (
        page(comparison=made.comparison()),
        page(made.HOSTILE, comparison=made.comparison(made.HOSTILE)),
    )
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(given) for _, given in hostile.tags] == [
        sorted(given) for _, given in plain.tags
    ]
    assert hostile.ours == plain.ours
    shown = r"</script><script>hacked=1</script><img src=x onerror=hacked=1>"
    assert hostile.text.count(shown) > 30
    assert r"\u2028\u2029\u202e\x00\x1b[31m\udce9\n\r\t" in hostile.text
    assert "{{ 7|add:7 }}{% now 'Y' %}&lt;" in hostile.text
    assert shown in hostile.data["routes"][0]["label"]


def test_no_script_or_style_stands_where_the_policy_forbids_it() -> None:
    """No style attribute, no handler, no address to load from: the policy finds nothing to refuse."""
    read = page(comparison=made.comparison())
    for tag, given in read.tags:
        assert not [name for name in given if name == "style" or name.startswith("on")], tag
        for name in ("src", "href"):
            assert given.get(name, "#").startswith(("#", "data:image/svg+xml,")), given
    assert len(read.ids) == len(set(read.ids))


def test_the_policy_stands_before_what_it_rules_over() -> None:
    """Only the encoding comes before it."""
    names = [tag for tag, _ in page().tags][:5]
    assert names == ["html", "head", "meta", "meta", "meta"]
    assert page().tags[3][1]["http-equiv"] == "Content-Security-Policy"


def test_it_is_ascii_so_that_no_terminal_can_spoil_it() -> None:
    """What is redirected into a file in any encoding opens the same."""
    assert to_html(made.model(made.HOSTILE), "1").isascii()


def test_it_does_without_the_templates_of_the_site(settings: Any) -> None:
    """A site without templates, or with an engine of its own, has the same report."""
    settings.TEMPLATES = []
    assert "Findings, by what fixing them saves" in page().text


def test_plots_have_the_figures_of_the_report() -> None:
    """Data that are plotted are those of the tables: sums, names and deploys of the window alone."""
    model = made.model()
    data = page().data
    assert [row["label"] for row in data["routes"]] == [f"GET {row.route}" for row in model.routes]
    for bars, row in zip(data["routes"], model.routes, strict=True):
        waited = (row.queue_ms or 0) * row.requests
        assert sum(bars["parts"]) == pytest.approx(row.total_ms + waited, abs=0.1)
    assert [name for _, name in data["marks"]] == ["v1.4", "v1.5"]
    assert sum(data["series"]["whole"]["requests"]) == model.totals.requests
    assert len(data["series"]["labels"]) == data["series"]["steps"] == made.STEPS


def test_many_samples_make_no_endless_page() -> None:
    """Of each kind and route the best few are shown, however many the store keeps."""
    many = tuple(
        Sample(
            "slowest", made.ROUTES[0], "GET", made.NOW - n, 500.0 - n, {"duration_ms": 500.0 - n}
        )
        for n in range(400)
    )
    read = page(samples=many)
    kept = [given for tag, given in read.tags if given.get("class") == "kept"]
    assert len(kept) == MOST_OF_A_KIND
    assert len(read.data["requests"]) == MOST_OF_A_KIND


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"timeline": "no list", "duration_ms": "soon", "left_out": []},
        {"timeline": [[], [1], None, ["x", None, 7], [1, 2, "db", "t", "x", 9, "more", "more"]]},
        {"tree": "no tree", "samples": None, "statement": "x"},
        {"tree": [None, [], ["one"], ["x", "y", "z"], ["x", 1, [["y", 1, None]]]], "samples": 0},
        {"age_s": float("nan"), "duration_ms": float("inf"), "statements": True},
    ],
)
@pytest.mark.parametrize("kind", ["slowest", "errored", "stall", "of a later version"])
def test_a_sample_of_another_form_breaks_nothing(kind: str, data: dict[str, Any]) -> None:
    """A store may hold what another version wrote; the report shows what it can read of it."""
    told = page(samples=(Sample(kind, made.ROUTES[0], "GET", made.NOW, 1.0, data),)).text
    assert "Routes, by total time" in told


def test_a_deep_stack_is_shown_to_its_bound() -> None:
    """A stack of a thousand lines ends no recursion of ours, and no reader's patience."""
    tree: list[Any] = []
    for line in range(1_000):
        tree = [[f"shop/deep.py:{line} walk", 5, tree]]
    stall = Sample("stall", made.ROUTES[0], "GET", made.NOW, 1.0, {"tree": tree, "samples": 5})
    told = page(samples=(stall,)).text
    assert "shop/deep.py:999 walk" in told
    assert told.count("shop/deep.py:") == 200
