"""Kept requests, stalls and deploys in the text report."""

from __future__ import annotations

from time import time
from typing import Any

import pytest

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import ERRORED, SLOWEST, STALL, Sample
from perfkit.store.marks import add_mark
from perfkit.store.sink import StoreSink


def flat(report: str) -> str:
    """Join the lines, however they were wrapped."""
    return " ".join(report.split())


def kept(kind: str, route: str = "/products/", rank: float = 1.0, **data: Any) -> Sample:
    """Make a kept request."""
    values: dict[str, Any] = {
        "status": 200,
        "duration_ms": rank,
        "ttfb_ms": rank,
        "db_ms": 40.0,
        "statements": 3,
        "timeline": [[1.0, 40.0, "db", "SELECT ? FROM t WHERE " + "x = ? AND " * 9, 1, None]],
    }
    return Sample(kind, route, "GET", time() - 60, rank, {**values, **data})


def hung(age_s: float, route: str = "/products/") -> Sample:
    """Make a request that hung."""
    tree = [["shop/views.py:9 page", 4, []]]
    data = {"age_s": age_s, "samples": 4, "statement": None, "blocked_loop": False, "tree": tree}
    return Sample(STALL, route, "GET", time() - 60, age_s, data)


@pytest.fixture
def keep(make: Any, write: Any) -> Any:
    """Write requests of two routes, and what was kept of them."""

    def keep(*samples: Sample) -> None:
        write(make.request(), make.request("/x/", duration_ms=5.0))
        window = Window()
        window.keep(samples)
        StoreSink(get_settings()).emit({int(time() - 60) // 60 * 60: window})

    return keep


def test_kept_requests_are_shown_when_asked_for(keep: Any, run: Any) -> None:
    """Else it is said that there are some."""
    keep(kept(SLOWEST, rank=900.0), kept(ERRORED, "/x/"))
    assert "2 requests kept in detail: --samples shows them." in run()
    told = run(samples=True)
    assert "Requests kept in detail: 2" in told
    assert "GET /products/: among the slowest of its hour" in told
    assert "SELECT ? FROM t" in told
    only = run(samples=True, route=["/x/"])
    assert "Requests kept in detail: 1" in only


def test_none_is_said_when_asked_for(keep: Any, run: Any) -> None:
    """Silence would leave the reader guessing."""
    keep()
    assert "kept" not in run()
    assert "No request was kept in this window." in run(samples=True)


def test_the_best_of_each_route_and_kind_come_first(keep: Any, run: Any) -> None:
    """The limit must not leave the others out for one route with many."""
    many = [kept(SLOWEST, rank=float(100 + rank)) for rank in range(5)]
    keep(*many, kept(ERRORED, rank=7.0), kept(SLOWEST, "/x/", rank=3.0))
    told = run(samples=True, limit=3)
    assert "status 200 after 104 ms" in told
    assert "status 200 after 103 ms" not in told
    assert told.count("GET /products/: ") == 2
    assert told.count("GET /x/: ") == 1
    assert "4 more kept requests beyond --limit 3" in told


def test_stalls_are_shown_unasked(keep: Any, run: Any) -> None:
    """The longest three; all of them with the samples."""
    keep(*[hung(10.0 + number) for number in range(5)])
    told = run()
    assert "Requests that hung: 5" in told
    assert told.count("hung for") == 3
    assert "hung for 14.0 s" in told
    assert "and 2 more stalls: see --samples" in told
    assert run(samples=True).count("hung for") == 5


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_long_lines_go_on_below_their_own_text(
    keep: Any, run: Any, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """And none is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    keep(kept(SLOWEST), hung(12.0))
    told = run(samples=True)
    assert max(map(len, told.splitlines())) <= columns
    assert "x=?ANDx=?" in "".join(told.split())


def test_markdown_folds_them(keep: Any, run: Any) -> None:
    """A pull request is no place for pages of timelines."""
    keep(kept(SLOWEST), hung(12.0))
    told = run(format="markdown")
    assert "### Requests that hung: 1" in told
    assert "kept in detail" not in told
    told = run(format="markdown", samples=True)
    assert "### Requests kept in detail: 1" in told
    assert told.count("<details>") == told.count("</details>") == 2


def test_deploys_of_the_window_stand_at_the_head(keep: Any, run: Any) -> None:
    """The latest four, in order; what others wrote is printed literally."""
    keep()
    for number in range(6):
        add_mark(get_settings().store, f"v1.{number} [red]", time() - 600 + number)
    told = flat(run())
    assert "v1.2 [red] ·" in told
    assert told.index("v1.2") < told.index("v1.5")
    assert "v1.1" not in told
    assert "- deploy `v1.0 [red]` at " in run(format="markdown")


def test_the_window_may_end_before_now(keep: Any, run: Any) -> None:
    """What came later is not counted."""
    keep(kept(SLOWEST))
    assert "No data in this window" in flat(run(until="5m"))
    assert "GET /products/" in run(until="1s")


def test_apdex_is_shown_where_there_is_room(
    keep: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it means."""
    keep()
    monkeypatch.setenv("COLUMNS", "140")
    told = flat(run())
    assert "Apdex" in told
    assert "1.00" in told
    monkeypatch.setenv("COLUMNS", "80")
    assert "Apdex" not in run()
