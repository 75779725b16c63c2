"""Two windows compared by the command, in every form, from a real store."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from time import time
from typing import Any

import pytest
from django.core.management import CommandError

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.store.marks import add_mark
from perfkit.store.sink import StoreSink
from tests.report.compare.simulated import window as spans_of

EVIL = "/a|b`c<script>@me #1/"


@pytest.fixture
def traffic(store: Any, make: Any) -> Callable[..., float]:
    """Write two hours of minutes; in the second half one route is slower and has a new finding."""

    def traffic(factor: float = 2.0, slower: str = "/1/") -> float:
        chance = random.Random(1)
        now = time() // 60 * 60
        middle = int(now - 3_600)
        options = {"spans": 60, "step_s": 60, "routes": 3, "rate": 20}
        held: dict[int, Window] = dict(spans_of(chance, middle - 3_600, **options))
        held |= dict(spans_of(chance, middle, **options, factors={slower: factor}))
        for at, window in held.items():
            window.routes[EVIL, "GET"] = window.routes.pop(("/2/", "GET"))
            name = "new" if at >= middle else "old"
            loop = make.loop(fingerprint=name * 4)
            window.add("/0/", make.request("/0/", started_at=at, findings=(loop,)), True, 1)
        late = Window()
        late.add("/late/", make.request("/late/", started_at=now - 120), True, 1)
        held[int(now - 120)].merge(late)
        sink = StoreSink(get_settings())
        for half in (0, 60):  # a worker that waits for the store longer than an hour forgets
            sink.emit(dict(sorted(held.items())[half : half + 60]))
        return float(middle)

    return traffic


def flat(report: str) -> str:
    """Join the lines, however they were wrapped."""
    return " ".join(report.split())


def test_what_got_slower_is_told_with_its_range(traffic: Any, run: Any) -> None:
    """Size, range, requests, time in all; new findings and routes; and what is claimed."""
    traffic()
    told = flat(run(compare="2h..1h"))
    assert "Worse: 1 route before after change 95 % range" in told
    assert "GET /1/ mean ms" in told
    assert "%" in told.partition("GET /1/")[2]
    assert "more in all" in told
    assert "New findings: 1 · shop.Product.supplier" in told
    assert "[n_plus_one, newnewnewnew]" in told
    assert "Findings that are gone: 1" in told
    assert "Routes that only the second window has: 1 · GET /late/" in told
    assert "2 routes without a difference that can be told from chance" in told
    assert "the chance of even one such line in this report is at most 5 %" in told
    assert "the change is what lies beyond it" in told


def test_no_change_is_said(traffic: Any, run: Any) -> None:
    """Silence would leave the reader guessing."""
    traffic(factor=1.0)
    told = flat(run(compare="2h..1h"))
    assert "Nothing got slower or faster that can be told from chance." in told
    assert "Worse" not in told


def test_a_deploy_is_the_border(traffic: Any, run: Any) -> None:
    """Its name stands at the head."""
    middle = traffic()
    add_mark(get_settings().store, "v1.2 | beta", middle)
    told = flat(run(compare="deploy"))
    assert "v1.2 | beta" in told
    assert "Worse: 1 route" in told
    printed = json.loads(run(compare="deploy:v1.2 | beta", format="json"))["comparison"]
    assert printed["mark"] == "v1.2 | beta"
    assert printed["mark_at"] is not None


def test_json_has_every_route_and_figure(traffic: Any, run: Any) -> None:
    """The rest of the document is of the second window."""
    traffic()
    printed = json.loads(run(compare="2h..1h", format="json"))
    compared = printed["comparison"]
    verdicts = {each["route"]: each["verdict"] for each in compared["routes"]}
    assert verdicts == {"/0/": "no difference shown", "/1/": "worse", EVIL: "no difference shown"}
    assert compared["method"] == "drift removed"
    assert compared["tested"] == 15
    assert [each["fingerprint"] for each in compared["new_findings"]] == ["newnewnewnew"]
    assert all(each["certain"] for each in compared["new_findings"])
    assert compared["new_routes"] == [{"route": "/late/", "method": "GET"}]
    assert printed["window"]["since"] == compared["after"]["start"]
    assert printed["totals"]["requests"] == compared["after"]["requests"]


def test_markdown_is_a_table_that_no_route_breaks(traffic: Any, run: Any) -> None:
    """As many cells in each row as heads, and a hostile name as code."""
    traffic(slower="/2/")
    told = run(compare="2h..1h", format="markdown")
    assert "| ``GET /a\\|b`c<script>@me #1/`` |" in told
    rows = [line.replace("\\|", "") for line in told.splitlines() if line.startswith("| ")]
    assert {row.count("|") for row in rows} == {9}


def test_html_has_the_comparison(traffic: Any, run: Any) -> None:
    """With what is claimed."""
    traffic()
    told = run(compare="2h..1h", format="html")
    assert "GET /1/" in told
    assert "the chance of even one such line in this report" in told
    assert "<script>@me" not in told


def test_ci_fails_on_what_got_worse_and_on_what_is_new(traffic: Any, run: Any) -> None:
    """Only with --compare: elsewhere nothing is known of it."""
    traffic()
    with pytest.raises(CommandError, match="--fail-on: 1 route worse, 1 new finding"):
        run(compare="2h..1h", fail_on=["worse,new"])
    with pytest.raises(CommandError, match="'worse' is not one of n_plus_one"):
        run(fail_on=["worse"])


def test_a_window_without_data_is_said(traffic: Any, run: Any) -> None:
    """And nothing counts as gone or new against it."""
    traffic()
    told = flat(run(compare="9d..8d"))
    assert "The store holds nothing of the first window" in told
    assert "Nothing can be said of routes that are in both windows." in told
    assert "New findings" not in told
    assert "Routes that only" not in told


def test_routes_can_be_chosen(traffic: Any, run: Any) -> None:
    """And are then all that is corrected for."""
    traffic()
    printed = json.loads(run(compare="2h..1h", format="json", route=["/1/"]))
    assert [each["route"] for each in printed["comparison"]["routes"]] == ["/1/"]
    assert printed["comparison"]["tested"] == 5
    assert printed["comparison"]["new_findings"] == []


def test_an_empty_store_is_no_failure(store: Any, run: Any) -> None:
    """Nothing recorded, nothing compared."""
    assert "No data yet" in run(compare="2h..1h")
