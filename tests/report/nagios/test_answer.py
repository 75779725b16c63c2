"""The answer to a monitoring system: status, first line, performance data."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command

#: 'label'=value[UOM];[warn];[crit];[min];[max]
FIGURE = re.compile(r"[a-z0-9_]+=(?:U|-?\d+(?:\.\d+)?(?:ms|s|%)?)(?:;[^;\s]*){0,4}")


def first(printed: str) -> tuple[str, dict[str, str]]:
    """Take the first line apart: its text, and performance data by name, all well-formed."""
    text, bar, data = printed.splitlines()[0].partition(" | ")
    figures = data.split()
    assert bar or not figures
    assert [each for each in figures if not FIGURE.fullmatch(each)] == []
    return text, dict(each.split("=", 1) for each in figures)


def status(run: Any, **options: Any) -> tuple[int, str]:
    """Run the plugin and return its status and what it printed, whole."""
    out: list[str] = []

    class Out:
        def write(self, text: str) -> None:
            out.append(text)

        def flush(self) -> None:
            pass

        def isatty(self) -> bool:
            return False

    try:
        call_command("perfreport", format="nagios", stdout=Out(), **options)
    except SystemExit as ended:
        return int(ended.code or 0), "".join(out)
    return 0, "".join(out)


@pytest.fixture
def busy(make: Any, write: Any) -> None:
    """Write a hundred requests: 60 ms, one error in fifty, one finding."""
    write(
        *[make.request(duration_ms=60.0, status=500 if n % 50 == 0 else 200) for n in range(99)],
        make.request(duration_ms=60.0, findings=(make.loop(),)),
    )


def test_without_thresholds_it_is_ok_and_tells_the_figures(busy: None, run: Any) -> None:
    """Each with its unit, its least and its most."""
    code, printed = status(run)
    text, figures = first(printed)
    assert code == 0
    assert text == "PERFKIT OK: 100 requests, p95 60.0 ms, errors 2.0 %, 1 finding"
    assert figures["requests"] == "100;;;0"
    assert figures["errors"] == "2%;;;0;100"
    assert figures["p95"] == "60ms;;;0"
    assert figures["findings"] == "1;;;0"


@pytest.mark.parametrize(
    ("warning", "critical", "code", "told"),
    [
        ("p95=100", "p95=200", 0, "PERFKIT OK: 100 requests"),
        ("p95=50", "p95=200", 1, "PERFKIT WARNING: p95 60.0 ms (outside 50)"),
        ("p95=50", "p95=55", 2, "PERFKIT CRITICAL: p95 60.0 ms (outside 55)"),
        ("errors=1%", None, 1, "PERFKIT WARNING: errors 2.0 % (outside 1)"),
        ("p95=50", "n_plus_one=0", 2, "PERFKIT CRITICAL: n_plus_one 1 (outside 0), p95 60.0 ms"),
        ("requests=1000:", None, 1, "PERFKIT WARNING: requests 100 (outside 1000:)"),
        ("apdex=0.99:", None, 1, "PERFKIT WARNING: apdex 0.98 (outside 0.99:)"),
        ("write_loop=0", None, 0, "PERFKIT OK"),
        (None, "age=@0:600", 2, "PERFKIT CRITICAL: age "),
        ("mean=@50:70,db=90,duplicates=5,statements=2", None, 1, "mean 60.0 ms (inside @50:70)"),
    ],
)
def test_thresholds_decide(
    busy: None, run: Any, warning: str | None, critical: str | None, code: int, told: str
) -> None:
    """The worse one wins, and the line says which figure met which range."""
    found, printed = status(run, warning=warning, critical=critical)
    text, figures = first(printed)
    assert (found, told in text) == (code, True), text
    for option in filter(None, (warning, critical)):
        for name in re.findall(r"(\w+)=", option):
            assert name in figures


def test_both_ranges_stand_in_the_performance_data(busy: None, run: Any) -> None:
    """As given, without units."""
    _, printed = status(run, warning=["p95=50ms"], critical=["p95=10:900"])
    assert first(printed)[1]["p95"] == "60ms;50;10:900;0"


def test_findings_follow_in_further_lines(busy: None, run: Any) -> None:
    """For those who ask for more; without the sign that begins performance data."""
    _, printed = status(run)
    assert printed.splitlines()[1].startswith("n_plus_one: shop.Product.supplier")
    assert "|" not in "".join(printed.splitlines()[1:])


def test_no_requests_are_no_alarm_unless_asked_for(make: Any, write: Any, run: Any) -> None:
    """A quiet night; whoever expects traffic says so."""
    write(make.request(started_at=time() - 7_200))
    code, printed = status(run)
    text, figures = first(printed)
    assert (code, text) == (0, "PERFKIT OK: no requests")
    assert figures["p95"] == "U;;;0"
    assert status(run, warning="p95=1")[0] == 0
    assert status(run, critical="requests=1:")[0] == 2
    assert status(run, critical="age=600")[0] == 2


def test_what_cannot_be_told_is_unknown(store: Path, make: Any, write: Any, run: Any) -> None:
    """No store yet, a store from a newer perfkit, a damaged one."""
    code, printed = status(run)
    assert (code, first(printed)[1]) == (3, {})
    assert printed.startswith("PERFKIT UNKNOWN: No data yet")
    write(make.request())
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE perfkit_meta SET value = 99 WHERE name = 'version'")
    code, printed = status(run)
    assert (code, "has version 99" in printed) == (3, True)
    store.write_bytes(b"This is not a database. " * 500)
    code, printed = status(run)
    assert (code, "is damaged" in printed) == (3, True)


def test_python_callers_get_status_3_for_bad_options(store: Path, run: Any) -> None:
    """Whatever is wrong, it is no answer."""
    with pytest.raises(CommandError, match="--fail-on does not go with") as refused:
        run(format="nagios", fail_on=["any"])
    assert refused.value.returncode == 3


@pytest.mark.parametrize(
    ("argv", "variables", "told"),
    [
        (["--format", "nagios", "--warning", "p95=fast"], {}, "--warning p95='fast' is not"),
        (["--format=nagios", "--colour"], {}, "unrecognized arguments: --colour"),
        (["--format=nagios"], {"DJANGO_SETTINGS_MODULE": ""}, "no settings: set DJANGO_"),
        (["--format=nagios", "--settings", "no_such"], {}, "the settings 'no_such' cannot be used"),
    ],
)
def test_bad_options_are_unknown_and_on_standard_output(
    store: Path, shell: Any, argv: list[str], variables: dict[str, str], told: str
) -> None:
    """A monitoring system reads nothing else, and takes Python's status 1 for a warning."""
    done: subprocess.CompletedProcess[str] = shell("perfreport", *argv, **variables)
    assert done.returncode == 3
    assert done.stdout.startswith("PERFKIT UNKNOWN: ")
    assert told in done.stdout
    assert done.stdout.count("\n") == 1


def test_an_error_of_our_own_is_unknown_too(
    busy: None, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would end with 1."""

    def fail(*args: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("perfkit.management.commands.perfreport.load", fail)
    with pytest.raises(CommandError, match="RuntimeError: a mistake") as refused:
        run(format="nagios")
    assert refused.value.returncode == 3
    with pytest.raises(RuntimeError):
        run()


def test_foreign_text_keeps_its_line(make: Any, write: Any, run: Any) -> None:
    """A route's name may hold what ends the line, or the text."""
    write(make.request("/a|b\n2/", findings=(make.loop(),)))
    _, printed = status(run, warning="n_plus_one=0")
    assert printed.count("\n") == 2
    assert printed.count("|") == 1
