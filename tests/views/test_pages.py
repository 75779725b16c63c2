"""What stands in the pages: figures, stacks, exports, hostile texts as text, large captures cut and told."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from perfkit.views.drawing import MOST_NODES, MOST_SAMPLES, stacks_data
from tests.views import made, site
from tests.views.tags import Tags

HOSTILE_PAGES = (
    "/perfkit/",
    "/perfkit/captures/hostile/",
    "/perfkit/captures/hostile-counted/",
    "/perfkit/diff/hostile/plain/",
    "/perfkit/diff/hostile/plain/?frames=all",
    "/perfkit/diff/hostile-counted/hostile-counted/",
    "/perfkit/diff/counted/hostile/",
)


def data_of(text: str) -> Any:
    """Return what the scripts of a page are given."""
    found = re.search(r'id="plot-data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def page(client: Client, url: str) -> str:
    """Return a page's text."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    return str(answer.content.decode())


@pytest.mark.parametrize("url", HOSTILE_PAGES)
def test_hostile_texts_are_text(client: Client, url: str) -> None:
    """Routes, statements, templates, functions, notes: none becomes an element, an attribute or a tag."""
    text = page(client, url)
    seen = Tags(text)
    plain = Tags(
        page(client, url.replace("hostile-counted", "counted").replace("hostile", "plain"))
    )
    assert "img" not in seen.tags
    assert seen.attributes <= plain.attributes | {"title"}
    assert not {name for name in seen.attributes if name.startswith("on")}
    # Those of the page alone, all with a source or data.
    assert len(re.findall(r"<script", text)) == seen.tags.count("script")
    assert "hacked=1</script>" not in text
    assert "<img src=x" not in text
    assert not set("\u2028\u2029\u202e\x00\x1b") & set(text)


def test_hostile_kept_requests_are_text(client: Client) -> None:
    """Every kept request's page, the hostile ones among them."""
    numbers = set(re.findall(r'href="/perfkit/requests/(\d+)/"', page(client, "/perfkit/")))
    texts = [page(client, f"/perfkit/requests/{number}/") for number in numbers]
    assert any("hacked=1" in text for text in texts)
    for text in texts:
        assert "img" not in Tags(text).tags
        assert "<img src=x" not in text


def test_a_kept_request_that_is_none(client: Client) -> None:
    """An unknown number is a 404, and so is one that no database takes."""
    for number in (999_999, 2**63, 10**40):
        assert client.get(f"/perfkit/requests/{number}/").status_code == 404


def test_the_head_tells_what_it_is(client: Client) -> None:
    """Route, status, time, engine, notes, statements, the finding with the code to write."""
    text = html.unescape(page(client, "/perfkit/captures/plain/"))
    for part in ("GET /products/suppliers/", "200", "98.5 ms", "sampler", "2 samples were late", "21",
                 '.select_related("supplier")', "supplier = product.supplier", "19 statements"):  # fmt: skip
        assert part in text


def test_the_graph_has_all_of_the_time(client: Client) -> None:
    """Each variant sums up to all samples; one's own code holds no foreign frame but those told apart."""
    data = data_of(page(client, "/perfkit/captures/plain/"))
    seen_ms = sum(each.duration_ms for each in made.profile().samples)
    for name in ("mine", "all"):
        assert sum(node[3] for node in data[name]["nodes"]) == pytest.approx(seen_ms, rel=1e-3)
        assert sum(each[1] for each in data[name]["samples"]) == pytest.approx(seen_ms, rel=1e-3)
    foreign = {frame[0] for frame in data["mine"]["frames"] if frame[3] != "site"}
    assert foreign == {"(waiting)", "(framework and packages)"}
    assert [span[0] for span in data["spans"]] == ["db"] * 21 + ["cache"]


def test_a_large_capture_is_cut_and_says_so(client: Client, store: dict[str, Any]) -> None:
    """20,000 nodes and 30,000 samples: what is sent is bounded, no time is lost, the page tells."""
    capture = made.capture(
        id="huge", owner=site.OWNER, profile=made.endless(), duration_ms=30_000.0
    )
    data, notes = stacks_data(capture)
    assert len(data["all"]["nodes"]) <= MOST_NODES
    assert len(data["all"]["samples"]) <= MOST_SAMPLES
    assert sum(node[3] for node in data["all"]["nodes"]) == pytest.approx(30_000, rel=1e-3)
    assert sum(node[4] for node in data["all"]["nodes"]) == 30_000
    assert "15,000 lightest places in the tree are not shown" in notes[0]
    assert "each stretch of 7.5 ms" in notes[1]
    site.save(store, capture)
    text = page(client, "/perfkit/captures/huge/")
    assert len(text) < 1_200_000


def test_counts_come_with_callers(client: Client) -> None:
    """The page of cProfile has the table in the page itself, no stacks, and who called whom as data."""
    text = page(client, "/perfkit/captures/counted/")
    assert "data-stacks" not in text
    assert "40/20" in text
    data = data_of(text)
    names = [frame[0] for frame in data["frames"]]
    execute = names.index("CursorWrapper._execute")
    assert [names[by[0]] for by in data["callers"][execute]] == [
        "ForwardManyToOneDescriptor.__get__",
        "suppliers",
    ]


@pytest.mark.parametrize(
    ("name", "form", "status"),
    [
        ("plain", "speedscope", 200), ("plain", "collapsed", 200), ("plain", "pyinstrument", 200), ("plain", "json", 200),
        ("plain", "pstats", 404), ("counted", "pstats", 200), ("counted", "json", 200), ("counted", "speedscope", 404),
        ("plain", "exe", 404), ("hostile", "speedscope", 200), ("hostile", "collapsed", 200),
    ],
)  # fmt: skip
def test_exports_are_files_to_save(client: Client, name: str, form: str, status: int) -> None:
    """Never shown by a browser, with a plain name; a format that the engine cannot give is none."""
    answer = client.get(f"/perfkit/captures/{name}/export/{form}/")
    assert answer.status_code == status
    if status == 200:
        assert re.fullmatch(
            r'attachment; filename="perfkit-[\w-]+\.[\w.]+"', answer["Content-Disposition"]
        )
        assert answer["Content-Security-Policy"] == "sandbox"
        assert "html" not in answer["Content-Type"]
        assert f"/captures/{name}/export/{form}/" in page(client, f"/perfkit/captures/{name}/")


def test_the_difference_is_told_by_sign_and_word(client: Client) -> None:
    """The relation that is no longer lazy: less time in the view, a statement gone, another new."""
    text = html.unescape(page(client, "/perfkit/diff/plain/mended/"))
    row = re.search(r"<tr><th scope=\"row\"><code>suppliers</code>.*?</tr>", text, re.DOTALL)
    assert row
    assert re.search(r"\u2212[\d.]+ ms", row[0])
    assert "less" in row[0]
    assert re.search(r'\u221220</td><td class="told-cell better">gone', text)
    assert re.search(r'\+1</td><td class="told-cell worse">new', text)
    assert "may be chance" in text


def test_other_engines_are_not_compared_by_time(client: Client) -> None:
    """One engine slows down what it counts: the page compares statements only, and says why."""
    text = page(client, "/perfkit/diff/plain/counted/")
    assert "times cannot be compared" in text
    assert "Functions before and after" not in text


def test_routes_that_differ_are_told(client: Client) -> None:
    """Nothing forbids it, but the reader must know."""
    assert "These are different routes" in page(client, "/perfkit/diff/plain/large/")


def test_the_choice_of_two_leads_to_them(client: Client) -> None:
    """From the list's form; half a choice is none."""
    answer = client.get("/perfkit/diff/?before=plain&after=mended")
    assert answer["Location"] == "/perfkit/diff/plain/mended/"
    for query in ("", "before=plain", "before=a/b&after=c"):
        assert client.get(f"/perfkit/diff/?{query}").status_code == 404


def test_debug_changes_nothing(client: Client, settings: Any) -> None:
    """With DEBUG the pages are the same."""
    settings.DEBUG = True
    assert client.get("/perfkit/captures/plain/").status_code == 200


def test_the_language_is_the_readers(client: Client) -> None:
    """The page names its language and its direction; words that Django knows are in it."""
    with translation.override("ar"):
        text = page(client, "/perfkit/captures/plain/")
    assert '<html lang="ar" dir="rtl">' in text
