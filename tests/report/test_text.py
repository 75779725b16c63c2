"""The text report: readable in a pipe, true to what it prints, safe for a terminal."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from time import time
from typing import Any

import pytest

from perfkit.conf import get_settings
from perfkit.record import Site
from perfkit.report.finding_text import title
from perfkit.report.load import load
from perfkit.report.options import parse
from perfkit.report.route_table import broken
from perfkit.report.text import to_text
from perfkit.report.wording import age, counted, duration, figure, percent, shortened, size


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def text(file: Any = None, **given: Any) -> str:
    """Write the report of the store."""
    model = load(get_settings(), parse(given, time(), own_analyzers=False))
    return to_text(model, "1.2.3", file or StringIO())


def flat(report: str) -> str:
    """Join the lines, however they were wrapped."""
    return " ".join(report.split())


def test_it_reads_from_the_head_to_the_fix(make: Any, write: Any) -> None:
    """Head, routes, findings with both places, the statement and the code to write."""
    write(
        *[make.request(findings=(make.loop(),)) for _ in range(3)], make.request("/x/", status=500)
    )
    told = flat(text())
    assert "perfkit 1.2.3 · " in told
    assert "4 requests · 1 error (25 %) · 1 worker · 80.0 ms in all, 25 % in the database" in told
    assert "GET /products/ 3 0 60.0 ms 75 % 20 20 20 3 0 25 %" in told
    assert (
        "1. shop.Product.supplier — 40 statements a request in GET /products/ (3 requests): "
        "saves 38.2 ms of each request"
    ) in told
    assert "n_plus_one, warning; 115 ms and 120 statements in 3 requests; last seen" in told
    assert "loaded shop/views.py:25 in product_list" in told
    assert "used shop/templates/products.html:12" in told
    assert 'WHERE "shop_supplier"."id" = ?' in told
    assert 'write .select_related("supplier") on the queryset evaluated at shop/views.py:25' in told


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal(
    make: Any, write: Any, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Nor is anything cut off: long labels and statements wrap."""
    monkeypatch.setenv("COLUMNS", str(columns))
    label = "/<lang>/account/orders/<int:year>/<slug:reference>/invoice.pdf"
    shape = "SELECT x FROM y WHERE " + " AND ".join(f"column_{n} = ?" for n in range(9))
    write(make.request(label, findings=(make.loop(shape=shape, alias="replica"),)))
    report = text()
    assert max(map(len, report.splitlines())) <= columns
    assert label in "".join(report.split())
    assert "column_8=?(databasereplica)" in "".join(report.split())


def test_foreign_text_is_printed_literally(make: Any, write: Any) -> None:
    """Markup is not obeyed; what would move a cursor or turn the text around is escaped."""
    evil = "/[bold]x[/bold]/\x1b[31m\u202e\r\n\udce9/:smile:/"
    write(make.request(evil, findings=(make.loop(fix="[red]", access=Site("[a].py", 1, "\x07")),)))
    told = text(Terminal())
    for escaped in (r"/[bold]x[/bold]/", r"\x1b[31m\u202e\r\n\udce9/:smile:/", "[red]", r"\x07"):
        assert escaped in told
    assert "\x1b[31m" not in told
    assert "\x1b[1m" in told  # our own, for bold


def test_a_pipe_gets_no_control_code(make: Any, write: Any) -> None:
    """Nor spaces at the ends of lines."""
    write(make.request(findings=(make.loop(),)))
    report = text()
    assert report.replace("\n", "").isprintable()
    assert all(line == line.rstrip() for line in report.splitlines())


def test_an_output_without_unicode_gets_plain_signs(make: Any, write: Any) -> None:
    """An old console or PYTHONIOENCODING=ascii must not end in an error."""
    write(make.request("/café/"))
    report = text(TextIOWrapper(BytesIO(), encoding="ascii"))
    assert report.isascii()
    assert "(+/-1.1 %)" in report
    assert r"/caf\xe9/" in report


def test_what_is_not_known_of_a_finding_is_told(make: Any, write: Any) -> None:
    """No line that loaded the rows, no code to write: the message instead."""
    write(make.request(findings=(make.loop(origin=None, fix="", access=None),)))
    told = flat(text())
    assert "loaded at a line that is not known" in told
    assert "do shop.Product.supplier: the same statement 40 times in one loop" in told


def test_a_known_model_without_its_line_still_says_where_to_write(make: Any, write: Any) -> None:
    """The queryset is one of that model."""
    write(make.request(findings=(make.loop(origin=None),)))
    assert "on the queryset that loads shop.Product" in flat(text())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"kind": "slow_query", "count": 1, "saved": 0, "cost_ms": 412.0, "model": ""},
         "shop_supplier — 1 slow statement a request in GET /products/ (1 request): 412 ms of each request"),
        ({"kind": "duplicate_query", "count": 7, "saved": 6, "cost_ms": 2.0, "model": ""},
         "7 equal statements a request in GET /products/ (1 request): saves 6 statements and 2.0 ms"),
        ({"kind": "mine", "count": 2, "saved": 0, "cost_ms": 0.0, "model": "", "shape": ""},
         "mine — 2 statements a request in GET /products/ (1 request)"),
    ],
)  # fmt: skip
def test_each_kind_has_its_own_sentence(
    make: Any, write: Any, fields: dict[str, Any], told: str
) -> None:
    """Also a kind that perfkit does not know."""
    write(make.request(findings=(make.loop(**fields),)))
    model = load(get_settings(), parse({}, time(), own_analyzers=False))
    assert told in title(model.findings[0])


def test_the_lines_of_code_are_shown(
    make: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rows were loaded, and where used; a file that changed since is doubted."""
    (tmp_path / "pages.py").write_text("for each in Thing.objects.all():\n    each.owner\n")
    monkeypatch.syspath_prepend(tmp_path)
    places = {"origin": Site("pages.py", 1, "page"), "access": Site("pages.py", 2, "page")}
    write(make.request("/a/", findings=(make.loop(**places),)), make.request("/b/"))
    write(make.request("/b/", findings=(make.loop(**places),)))
    report = text()
    assert "\n              for each in Thing.objects.all():\n" in report
    assert "\n              each.owner\n" in report
    assert "(1 request) and 1 more route: saves" in flat(report)
    assert "(the file has changed since: the line may be another)" in flat(report)


def test_a_finding_may_hold_little(make: Any, write: Any) -> None:
    """An analyzer of a site's own need not know lines, model or statement."""
    blank = {"model": "", "path": "", "shape": "", "origin": None, "access": None}
    write(make.request(findings=(make.loop(kind="mine", fix="do it", severity="odd", **blank),)))
    told = flat(text())
    assert "mine — 40 statements a request" in told
    assert "mine, odd; " in told
    assert "write do it" in told


def test_no_finding_is_said(make: Any, write: Any) -> None:
    """Silence would leave the reader guessing."""
    write(make.request())
    assert "No findings: " in text()


def test_an_empty_report_says_how_to_begin(store: Any) -> None:
    """The line to add, and how long to wait."""
    told = flat(text())
    assert "Nothing to report" in told
    assert "Put perfkit.middleware.PerfkitMiddleware first in MIDDLEWARE" in told
    assert "workers write every 10 s" in told


def test_routes_chosen_are_named_in_the_head(make: Any, write: Any) -> None:
    """A report of a part must not pass for one of the whole."""
    write(make.request())
    assert "only routes with /prod or /x" in text(route=["/prod", "/x"])


def test_labels_break_after_a_slash_and_lose_nothing() -> None:
    """In the second half of a line, else anywhere."""
    assert broken("GET /a/b/", 20) == ["GET /a/b/"]
    assert broken("GET /products/<int:pk>/", 16) == ["GET /products/", "  <int:pk>/"]
    assert "".join(line.strip() for line in broken("x" * 50, 7)) == "x" * 50


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (duration(0.0), "0 ms"),
        (duration(0.04), "0.04 ms"),
        (duration(38.24), "38.2 ms"),
        (duration(412), "412 ms"),
        (duration(46_300), "46.3 s"),
        (duration(750_000), "12.5 min"),
        (duration(36_000_000), "10.0 h"),
        (figure(None), "–"),
        (figure(3.0), "3"),
        (figure(3.26), "3.3"),
        (figure(1212.4), "1,212"),
        (counted(1, "request"), "1 request"),
        (counted(0, "request"), "0 requests"),
        (percent(None), "–"),
        (percent(0.004), "<1 %"),
        (percent(0), "0 %"),
        (age(-1), "0 s"),
        (age(720), "12 min"),
        (age(7_200), "2 h"),
        (age(432_000), "5 days"),
        (size(21_204_992), "21.2 MB"),
        (size(102_400), "102 kB"),
    ],
)
def test_figures_carry_their_unit(written: str, expected: str) -> None:
    """And no more digits than tell something."""
    assert written == expected


def test_long_statements_are_shortened() -> None:
    """The list of columns goes first, then the end."""
    columns = ", ".join(f'"t"."column_{n}"' for n in range(9))
    assert shortened(f'SELECT {columns} FROM "t"') == 'SELECT … FROM "t"'
    assert shortened('SELECT "t"."a" FROM "t"') == 'SELECT "t"."a" FROM "t"'
    inner = f'SELECT (SELECT U0."a" FROM "u" U0) AS "s", {columns} FROM "t"'
    assert shortened(inner) == 'SELECT … FROM "t"'
    assert shortened("x" * 1_000).endswith("… (1,000 characters)")
