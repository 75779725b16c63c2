"""A kept request as plain lines."""

from __future__ import annotations

from typing import Any

from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.report.sample_text import WIDTH, lines

DATA: dict[str, Any] = {
    "status": 500,
    "duration_ms": 812.4,
    "ttfb_ms": 812.3,
    "db_ms": 640.2,
    "cache_ms": 2.1,
    "queue_ms": 3.0,
    "cpu_ms": 120.0,
    "statements": 41,
    "in_loops": 38,
    "aborted": False,
    "error": "ValueError",
    "timeline": [
        [0.31, 1.2, "db", 'SELECT … FROM "shop_book" WHERE "shop_book"."stock" < ?', 1, None],
        [
            12.3,
            310,
            "db",
            'SELECT "a"."id" FROM "a" WHERE "a"."id" = ?',
            38,
            "shop/views.py:12 in page",
        ],
        [700, 2.1, "cache", "default get: 1 found, 0 not", 1, None],
    ],
    "left_out": [3, 12],
}


def sample(kind: str = ERRORED, **changed: Any) -> Sample:
    """Make a sample."""
    return Sample(kind, "/books/<int:pk>/", "GET", 1_700_000_000.0, 1.0, {**DATA, **changed})


def test_a_request_reads_from_top_to_bottom() -> None:
    """What, when, how it ended, where its time went, and each step with its line."""
    first, *rest = lines(sample())
    assert first.startswith("GET /books/<int:pk>/: failed, 20")
    assert rest == [
        "  status 500 after 812 ms, ValueError",
        "  database 640 ms (41 statements, 38 of them in loops); cache 2.1 ms; the rest 170 ms; on the CPU",
        "  120 ms; before that in the queue 3.0 ms",
        "         at       took",
        '     0.3 ms     1.2 ms  SELECT … FROM "shop_book" WHERE "shop_book"."stock" < ?',
        '    12.3 ms     310 ms  38 x SELECT "a"."id" FROM "a" WHERE "a"."id" = ?',
        "                        shop/views.py:12 in page",
        "     700 ms     2.1 ms  cache default get: 1 found, 0 not",
        "  and 3 more that took less (12 runs)",
    ]


def test_each_kind_says_why_it_is_kept() -> None:
    """A reader sees at once what the request is an example of."""
    assert "among the slowest of its hour" in lines(sample(SLOWEST))[0]
    assert "worst loops of its hour" in lines(sample(N_PLUS_ONE))[0]


def test_what_is_not_there_is_passed_over() -> None:
    """A sample of an older or newer version is shown as far as it goes."""
    assert len(lines(Sample(SLOWEST, "/", "GET", 0.0, 1.0, {}))) == 3
    told = lines(sample(timeline=[], left_out=None, error="", aborted=True, ttfb_ms=100.0))
    assert told[1] == "  status 500 after 812 ms, first byte after 100 ms, cut short"
    assert len(told) == 4


def test_no_line_is_wider_than_a_page_and_none_moves_the_cursor() -> None:
    """Long statements wrap at their words; what a terminal would obey is escaped."""
    long = "SELECT " + "a, " * 38 + "\x1b[2J FROM t"
    told = lines(sample(timeline=[[0, 1, "db", long, 1, "x\n.py:1"]]))
    assert max(map(len, told)) <= WIDTH
    assert all(line.isprintable() for line in told)


def test_another_routes_request_names_its_own() -> None:
    """Routes beyond the limit are counted together, not shown so."""
    assert lines(sample(route="/rare/"))[0].startswith("GET /rare/: ")
