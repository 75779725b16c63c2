"""One finding in full: named by the beginning of its fingerprint, with code, history and requests."""

from __future__ import annotations

import json
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.core.management import CommandError

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import N_PLUS_ONE, SLOWEST, Sample
from perfkit.record import EagerLoad, Part, Site
from perfkit.store.sink import StoreSink

CODE = "def page(request):\n    found = []\n    for each in Thing.objects.all():\n        found.append(each.owner)\n    return found\n"


def flat(report: str) -> str:
    """Join the lines, however they were wrapped."""
    return " ".join(report.split())


def kept(kind: str, where: str | None, text: str = "SELECT x", rank: float = 1.0) -> Sample:
    """Make a kept request of one statement."""
    data = {
        "status": 200,
        "duration_ms": 80.0,
        "ttfb_ms": 80.0,
        "db_ms": 40.0,
        "statements": 40,
        "timeline": [[1.0, 40.0, "db", text, 40, where]],
    }
    return Sample(kind, "/products/", "GET", time() - 60, rank, data)


def keep(*samples: Sample) -> None:
    """Write kept requests, as a worker does."""
    window = Window()
    window.keep(samples)
    StoreSink(get_settings()).emit({int(time() - 60) // 60 * 60: window})


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Site]:
    """Put a view where code is imported from, older than what was recorded."""
    (tmp_path / "pages.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    return {"origin": Site("pages.py", 3, "page"), "access": Site("pages.py", 4, "page")}


def test_a_finding_is_told_in_full(make: Any, write: Any, run: Any, code: dict[str, Site]) -> None:
    """Statement, the code around both lines, routes, history, and a request that shows it."""
    at = time()
    write(
        *[
            make.request(started_at=at - hours * 3_600, findings=(make.loop(**code),))
            for hours in (0, 1, 5)
        ]
    )
    write(make.request("/x/", started_at=at, findings=(make.loop(**code),)))
    keep(kept(SLOWEST, None, rank=9.0), kept(N_PLUS_ONE, "pages.py:4 in page"))
    told = run(explain="fff")
    joined = flat(told)
    assert 'Statement SELECT "shop_supplier"."id" FROM "shop_supplier" WHERE' in joined
    assert "Where the rows are loaded pages.py:3 in page" in joined
    assert "      1 def page(request):\n" in told
    assert "    > 3     for each in Thing.objects.all():\n" in told
    assert "    > 4         found.append(each.owner)\n" in told
    assert "Seen in 2 routes 3 GET /products/ 1 GET /x/" in joined
    assert "History: requests that had it, each hour" in joined
    assert told.count("100 %  38.2 ms") + told.count("100 %  76.4 ms") >= 3
    assert "no requests" in told
    assert "A request that was kept GET /products/" in joined
    assert "among the slowest" not in joined, "one that shows the statement goes before"
    assert "beyond --limit" not in joined


def test_requests_with_the_statement_are_found_by_its_shape(
    make: Any, write: Any, run: Any
) -> None:
    """A timeline cuts long statements."""
    shape = make.loop().shape
    write(make.request(findings=(make.loop(),)))
    keep(kept(SLOWEST, None, text=f"{shape[:60]}…"), kept(SLOWEST, None, text="SELECT"))
    printed = json.loads(run(explain="f", format="json"))["explanation"]
    assert [each["data"]["timeline"][0][3] for each in printed["samples"]] == [f"{shape[:60]}…"]


def test_without_one_that_shows_it_the_worst_loops_are_shown(
    make: Any, write: Any, run: Any
) -> None:
    """Requests of the same route, kept for their loops; not those of others."""
    write(make.request(findings=(make.loop(),)), make.request("/x/"))
    keep(kept(N_PLUS_ONE, None), kept(SLOWEST, None, rank=3.0))
    printed = json.loads(run(explain="f", format="json"))["explanation"]
    assert [each["kind"] for each in printed["samples"]] == [N_PLUS_ONE]


def test_history_is_by_the_length_of_the_window(make: Any, write: Any, run: Any) -> None:
    """Ten minutes, hours or days."""
    write(make.request(findings=(make.loop(),)))
    for since, step_s in (("2h", 600), ("24h", 3_600), ("30d", 86_400)):
        printed = json.loads(run(explain="f", format="json", since=since))["explanation"]
        assert printed["step_s"] == step_s
        assert printed["history"][-1]["requests"] == 1


def test_every_line_it_is_about_is_shown_once(
    make: Any, write: Any, run: Any, code: dict[str, Site]
) -> None:
    """Callers, and the other lines that the same edit covers."""
    further = Site("pages.py", 5, "page")
    part = Part("owner", 3, 3, 1.0, further, (), "SELECT 1")
    loop = make.loop(**code, callers=(further,), parts=(part,), loop=code["origin"])
    write(make.request(findings=(loop,)))
    printed = json.loads(run(explain="f", format="json"))["explanation"]
    assert [(each["role"], each["line"]) for each in printed["code"]] == [
        ("Where the rows are loaded", 3),
        ("Where each is read", 4),
        ("Called from", 5),
    ]


def test_code_that_is_not_there_is_doubted(make: Any, write: Any, run: Any) -> None:
    """A report may be read on another machine."""
    write(make.request(findings=(make.loop(kind="slow_query", origin=None),)))
    told = flat(run(explain="f"))
    assert "Where it happens shop/templates/products.html:12" in told
    assert "(the file is not found from here)" in told


def test_a_finding_may_know_no_line_and_no_statement(make: Any, write: Any, run: Any) -> None:
    """What an analyzer of a site's own found."""
    write(make.request(findings=(make.loop(kind="mine", shape="", access=None, origin=None),)))
    assert "Statement" not in run(explain="f")
    assert "## `shop.Product.supplier`" in run(explain="f", format="markdown")


def test_markdown_has_the_code_and_the_history(
    make: Any, write: Any, run: Any, code: dict[str, Site]
) -> None:
    """As blocks and tables."""
    write(make.request(findings=(make.loop(**code),)))
    keep(kept(N_PLUS_ONE, "pages.py:4 in page"))
    told = run(explain="f", format="markdown")
    assert "```sql\nSELECT" in told
    assert ">    4          found.append(each.owner)" in told
    assert "| `GET /products/` | 1 |" in told
    assert "<details><summary>History, 1 step</summary>" in told
    assert "<details><summary><code>GET /products/" in told


@pytest.mark.parametrize(
    ("beginning", "told"),
    [
        ("b", "--explain 'b' fits 2 findings: b1, b2: give more of it"),
        ("z", "--explain 'z' fits no finding of this window: perfreport shows the fingerprint"),
        ("old", "--explain 'old' fits no finding of this window: it was seen at another time"),
        (" ", "--explain names no finding"),
    ],
)
def test_a_beginning_has_to_fit_one_finding(
    make: Any, write: Any, run: Any, beginning: str, told: str
) -> None:
    """Else it is said which there are."""
    week_ago = time() - 7 * 86_400
    write(
        make.request(findings=(make.loop(fingerprint="b1"), make.loop(fingerprint="b2"))),
        make.request(findings=(make.loop(fingerprint="old"),), started_at=week_ago),
    )
    with pytest.raises(CommandError) as refused:
        run(explain=beginning)
    assert told in str(refused.value)


def test_a_whole_fingerprint_fits_itself(make: Any, write: Any, run: Any) -> None:
    """Also when another one begins so."""
    write(make.request(findings=(make.loop(fingerprint="b"), make.loop(fingerprint="b1"))))
    printed = json.loads(run(explain="b", format="json"))
    assert printed["explanation"]["finding"]["fingerprint"] == "b"


def test_what_only_many_requests_tell_has_no_history(make: Any, write: Any, run: Any) -> None:
    """A relation that nobody reads is found over the whole window."""
    load = EagerLoad("shop.Book", "author", "select_related", Site("v.py", 1, "view"), 5, False)
    write(*[make.request(eager_loads=(load,)) for _ in range(40)])
    (row,) = json.loads(run(format="json"))["findings"]
    told = json.loads(run(explain=row["fingerprint"], format="json"))["explanation"]
    assert told["history"] == []
    assert "History" not in run(explain=row["fingerprint"])
