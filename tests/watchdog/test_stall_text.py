"""A stall as plain lines."""

from __future__ import annotations

from typing import Any

from perfkit.metrics.sample import STALL, Sample
from perfkit.report.stall_text import WIDTH, lines

AT = 1_795_000_000.0


def stall(route: str = "/orders/", **data: Any) -> Sample:
    """Make a sample."""
    return Sample(STALL, route, "GET", AT, 1.0, data)


def test_everything_that_was_seen() -> None:
    """How long, how many, in what, and the tree, which moves right only where it forks."""
    sql = "SELECT shop_order.id FROM shop_order WHERE shop_order.customer_id = ? ORDER BY id"
    told = lines(
        stall(
            age_s=14.25,
            requests=3,
            ended=False,
            samples=20,
            statement={"text": sql, "age_s": 13.5},
            blocked_loop=True,
            streaming=True,
            tree=[["a.py:1 view", 20, [["b.py:2 one", 12, [["c.py:3 deep", 12, []]]],
                                       ["b.py:4 two", 8, []]]]],
        )
    )  # fmt: skip
    assert told[0].startswith("GET /orders/: hung for 14.2 s and longer (3 requests), 20")
    assert told[1:] == [
        "  its answer had begun: its body was being made or sent",
        "  its event loop stood still: no other request of the worker went on",
        "  in a statement that had run for 13.5 s:",
        f"    {sql}",
        "  seen of 20 looks:",
        "    20  a.py:1 view",
        "    12    b.py:2 one",
        "    12    c.py:3 deep",
        "     8    b.py:4 two",
    ]


def test_what_another_version_left_out_is_passed_over() -> None:
    """A store may hold samples of an older or a newer one."""
    told = lines(stall())
    assert told[0].startswith("GET /orders/: hung for 0 ms, 20")
    assert told[1:] == ["  where it was could not be seen"]


def test_nothing_moves_the_cursor_and_lines_are_short() -> None:
    """A route and a statement may hold what a visitor sent."""
    statement = {"text": "SELECT \x1b[2J, " + "a_column, " * 60, "age_s": None}
    deep: list[Any] = []
    for number in range(80):
        deep = [[f"file.py:{number} f\x07", 1, deep], ["other.py:1 g", 1, []]]
    told = lines(stall("/\x1b[31m/", age_s=1.0, samples=1, statement=statement, tree=deep))
    assert all(line.isprintable() for line in told)
    assert all(len(line) <= WIDTH for line in told)
    assert "  in a statement:" in told
    assert told[-1] == "  and 100 more lines"
