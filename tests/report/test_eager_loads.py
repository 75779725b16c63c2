"""Relations that are loaded along and never read, in a report: of enough requests, with their number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from time import time
from typing import Any

import pytest

import perfkit
from perfkit.acceptance.accepted import forget, key_of_rule
from perfkit.capture import noting
from perfkit.conf import get_settings
from perfkit.record import EagerLoad, Site
from perfkit.report.baseline import read as read_baseline
from perfkit.report.load import load as load_report
from perfkit.report.model import FindingRow, ReportModel
from perfkit.report.options import parse
from tests.library.models import Book
from tests.library.shelves import fill

LINE = Site("shop/views.py", 25, "product_list")
KIND = "unused_eager_load"


@pytest.fixture(autouse=True)
def nothing_accepted() -> Iterator[None]:
    """Begin and end as a process that has accepted nothing."""
    forget()
    yield
    forget()


def load(path: str = "brand", *, used: bool = False, **fields: Any) -> EagerLoad:
    """Make a fact of one request."""
    values: dict[str, Any] = {
        "model": "shop.Product", "method": "select_related", "site": LINE, "rows": 8,
    }  # fmt: skip
    return EagerLoad(path=path, used=used, **{**values, **fields})


def report(**given: Any) -> ReportModel:
    """Read the store with these options."""
    return load_report(get_settings(), parse(given, time(), own_analyzers=False))


def rows(**given: Any) -> list[FindingRow]:
    """Return the report's findings of this kind."""
    return [row for row in report(**given).findings if row.kind == KIND]


def test_enough_requests_make_a_finding(make: Any, write: Any) -> None:
    """Twenty that loaded it and none that read it, from whatever workers."""
    requests = [make.request(eager_loads=(load(),)) for _ in range(19)]
    write(*requests)
    assert rows() == []
    write(make.request(eager_loads=(load(),), started_at=time() - 30))
    (row,) = rows()
    assert (row.sample, row.requests, row.count, row.saved) == (20, 20, 0, 0)
    assert (row.total_saved, row.total_cost_ms, row.severity) == (0, 0, "info")
    assert (row.model, row.path, row.origin, row.access) == ("shop.Product", "brand", LINE, None)
    assert [(seen.method, seen.route, seen.requests) for seen in row.routes] == [
        ("GET", "/products/", 20)
    ]
    assert row.first_seen < row.last_seen


def test_one_read_on_any_route_is_enough(make: Any, write: Any) -> None:
    """The line serves both pages."""
    write(*[make.request("/a/", eager_loads=(load(),)) for _ in range(50)])
    assert rows(route=["/a/"])
    write(make.request("/b/", eager_loads=(load(used=True),)))
    assert rows() == rows(route=["/a/"]) == []


def test_a_prefetch_saves_its_statement(make: Any, write: Any) -> None:
    """A join saves nothing that is known."""
    write(
        *[make.request(eager_loads=(load("tags", method="prefetch_related"),)) for _ in range(30)]
    )
    (row,) = rows()
    assert (row.count, row.saved, row.total_saved) == (1.0, 1.0, 30)


def test_routes_choose_what_is_shown(make: Any, write: Any) -> None:
    """A finding is shown with the routes in which it was seen."""
    write(
        *[make.request("/a/", eager_loads=(load(),)) for _ in range(15)],
        *[make.request("/b/", eager_loads=(load(),)) for _ in range(10)],
        make.request("/c/"),
    )
    (row,) = rows(route=["/b/"])
    assert [(seen.route, seen.requests) for seen in row.routes] == [("/a/", 15), ("/b/", 10)]
    assert rows(route=["/c/"]) == []


def test_what_a_finding_wants_added_is_not_to_be_removed(make: Any, write: Any) -> None:
    """The same relation, from another queryset: the reader is told one thing."""
    found = make.loop(path="supplier")
    write(
        *[
            make.request(eager_loads=(load("supplier"), load("brand")), findings=(found,))
            for _ in range(20)
        ]
    )
    assert [row.path for row in rows()] == ["brand"]


def test_a_line_that_moved_is_one_finding(make: Any, write: Any) -> None:
    """Before and after a deploy, in the same function."""
    moved = Site("shop/views.py", 31, "product_list")
    write(
        *[make.request(eager_loads=(load(),)) for _ in range(20)],
        *[make.request("/b/", eager_loads=(load(site=moved),)) for _ in range(25)],
    )
    (row,) = rows()
    assert (row.sample, row.origin, len(row.routes)) == (45, moved, 2)


@pytest.mark.django_db
def test_from_querysets_to_a_report(write: Any) -> None:
    """Twenty recordings of one line: what each of them reads decides."""
    fill()
    noting.settled.clear()
    records = []
    for number in range(20):
        with perfkit.record() as record:
            books = list(Book.objects.select_related("author__publisher").prefetch_related("tags"))
            if number == 19:
                assert books[-1].author.name
        result = record.result
        records.append(replace(result, route="/books/", method="GET", status=200))
    write(*records)
    assert {(row.model, row.path, row.sample) for row in rows()} == {
        ("library.Book", "author__publisher", 20),
        ("library.Book", "tags", 20),
    }
    (site,) = {row.origin for row in rows()}
    assert site is not None
    assert site.function == "test_from_querysets_to_a_report"


def test_the_limit_and_the_exit_status_know_them(make: Any, write: Any) -> None:
    """They are findings like others: last, as they save least."""
    write(*[make.request(eager_loads=(load(),), findings=(make.loop(),)) for _ in range(20)])
    model = report(limit="1")
    assert [row.kind for row in model.findings] == ["n_plus_one"]
    assert (model.more_findings, model.found[KIND], model.found["info"]) == (1, 1, 1)


def test_a_rule_accepts_them(make: Any, write: Any, settings: Any) -> None:
    """On the routes that it names, and the rule counts as one that matches something."""
    write(
        *[make.request("/a/", eager_loads=(load(), load("tags"))) for _ in range(20)],
        *[make.request("/b/", eager_loads=(load("tags"),)) for _ in range(20)],
    )
    rule = {"KIND": KIND, "ROUTE": "/a/", "REASON": "the export reads it"}
    settings.PERFKIT = {**settings.PERFKIT, "IGNORE": [rule]}
    assert [row.path for row in rows()] == ["tags"]
    assert key_of_rule((("KIND", KIND), ("ROUTE", "/a/"))) in report().accepted


def test_a_baseline_knows_them(make: Any, write: Any, run: Any, tmp_path: Any) -> None:
    """Written, left out, and not told to be gone while they are there."""
    write(*[make.request(eager_loads=(load(),)) for _ in range(20)])
    file = str(tmp_path / "known.json")
    run(write_baseline=file)
    assert [entry.kind for entry in read_baseline(file).entries.values()] == [KIND]
    model = report(baseline=file)
    assert (model.findings, model.known, model.gone) == ((), 1, ())


def test_the_text_tells_the_sample(make: Any, write: Any, run: Any) -> None:
    """How many were looked at, what to take out, and where."""
    write(*[make.request(eager_loads=(load(),)) for _ in range(24)])
    text = " ".join(run().split())
    assert (
        "shop.Product.brand — loaded along in 24 requests looked at in GET /products/ "
        "(24 requests), read in none" in text
    )
    assert "unused_eager_load, info; 24 requests looked at; last seen" in text
    assert "loaded shop/views.py:25 in product_list" in text
    assert "do shop.Product: brand is loaded along by select_related() and nobody reads" in text


def test_the_text_tells_what_a_prefetch_saves(make: Any, write: Any, run: Any) -> None:
    """One statement of each request."""
    tags = load("tags", method="prefetch_related")
    write(*[make.request(eager_loads=(tags,)) for _ in range(24)])
    assert "read in none: saves 1 statement of each" in " ".join(run().split())


def test_the_json_tells_the_sample(make: Any, write: Any, run: Any) -> None:
    """As a key of its own, null for findings of single requests."""
    write(*[make.request(eager_loads=(load(),), findings=(make.loop(),)) for _ in range(24)])
    findings = json.loads(run(format="json"))["findings"]
    assert {found["kind"]: found["sample"] for found in findings} == {
        "n_plus_one": None,
        KIND: 24,
    }


def test_what_found_no_room_is_told(
    make: Any, write: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report says what it does not know."""
    monkeypatch.setattr("perfkit.metrics.eager_loads.MOST_EAGER_LOADS", 1)
    write(make.request(eager_loads=(load("a"), load("b"), load("c"))))
    assert "2 eager loads not judged: beyond the 1,000 kept apart" in " ".join(run().split())
