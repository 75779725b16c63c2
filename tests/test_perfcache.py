"""``manage.py perfcache`` on real stores and real logs: what it prints, what it refuses, its status."""

from __future__ import annotations

import gzip
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from perfkit.caching.policy import PLAIN_POLICIES, TIMEOUTS
from perfkit.report.cache_file import LONGEST_LINE, opened
from tests.caching import stored

ROOT = Path(__file__).parents[1]
Run = Callable[..., str]


def a_store(path: Path) -> dict[str, Any]:
    """Return the settings of a site with a store."""
    return {"STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}


@pytest.fixture
def store(tmp_path: Path, settings: Any, django_db_blocker: Any) -> Iterator[Path]:
    """Point the site at a store of its own, which is not there yet."""
    path = tmp_path / "store" / "perfkit.sqlite3"
    settings.PERFKIT = a_store(path)
    with django_db_blocker.unblock():
        yield path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """Write a shop's few hours once."""
    path = tmp_path_factory.mktemp("written") / "store.sqlite3"
    with django_db_blocker.unblock(), override_settings(PERFKIT=a_store(path)):
        stored.write_events(stored.visits(time.time()))
    return path


@pytest.fixture
def filled(store: Path, written: Path) -> Path:
    """Put a copy of them into the store."""
    store.parent.mkdir()
    for file in written.parent.glob(f"{written.name}*"):
        shutil.copyfile(file, store.with_name(file.name.replace(written.name, store.name)))
    return store


def run(*argv: str, **options: Any) -> str:
    """Run the command in this process and return what it printed."""
    out = StringIO()
    call_command("perfcache", *argv, stdout=out, **options)
    return out.getvalue()


def refused(*argv: str, **options: Any) -> str:
    """Run the command, which refuses with status 2; return why."""
    with pytest.raises(CommandError) as raised:
        run(*argv, **options)
    assert raised.value.returncode == 2
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_without_a_route_it_tells_of_all_in_short(filled: Path) -> None:
    """What to cache with its code, the rest in a line each."""
    told = run()
    assert "GET /products/<int:pk>/: cache it for 1 h\n" in told
    assert "@cache_page(3600)" in told
    assert "GET /account/: do not cache it: different visitors get different answers\n" in told
    assert "GET /imprint/: do not cache it: it writes to the database on GET" in told
    assert "wrong" not in told


def test_a_route_is_told_in_full(filled: Path) -> None:
    """Every policy with every timeout, with bars; the advised cell is marked, once."""
    told = run("/products/<int:pk>/")
    assert "/account/" not in told
    assert told.count("█ ") + told.count("█\n") > len(TIMEOUTS)
    assert told.count("<- advised") == 1
    assert told.count("saved s/h") == len(PLAIN_POLICIES)
    (line,) = [line for line in told.splitlines() if "<- advised" in line]
    assert line.split()[:2] == ["1", "h"]
    assert "█" * 20 in line


def test_a_route_that_must_not_be_cached_shows_why(filled: Path) -> None:
    """Its hit ratio is high, and nearly all of the hits would be another's page."""
    told = run("account")
    assert "<- advised" not in told
    assert "361 differed" in told or "differed\n" in told
    shares = [line.split()[-3] for line in told.split("an entry")[0].splitlines() if "█" in line]
    assert len(shares) == len(TIMEOUTS)
    assert all(float(share) > 80 for share in shares)


def test_parts_of_labels_choose_several(filled: Path) -> None:
    """As --route of perfreport; a method may stand in front."""
    told = run("GET /imprint/", "account")
    assert "GET /imprint/: " in told
    assert "GET /account/: " in told
    assert "/products/" not in told


def test_json_has_the_contract_of_the_report_and_every_policy(filled: Path) -> None:
    """The same keys as `perfreport --format json`; the table is whole when a route is named."""
    short = json.loads(run(format="json"))
    full = json.loads(run("products", format="json"))
    assert set(short) == set(full) == {"cache", "notes"}
    (one,) = full["cache"]
    assert (one["verdict"], one["timeout"]) == ("cache_page", 3600)
    assert set(one) == set(short["cache"][0])
    assert len(short["cache"]) == 3
    assert len(short["cache"][0]["table"]) == len(TIMEOUTS)
    assert len(one["table"]) == len(TIMEOUTS) * len(PLAIN_POLICIES)
    # What is saved hangs on what the cache costs, which is measured anew.
    assert [ratios(each) for each in one["table"][: len(TIMEOUTS)]] == [
        ratios(each) for each in short["cache"][0]["table"]
    ]
    told = run_report()
    assert [each["route"] for each in told] == [each["route"] for each in short["cache"]]
    assert set(told[0]) == set(one)


def ratios(cell: dict[str, Any]) -> tuple[Any, ...]:
    """Return what of a cell is the same each time."""
    return cell["policy"], cell["timeout"], cell["hit_ratio"], cell["stale_share"]


def run_report() -> list[dict[str, Any]]:
    """Return what the report says of caching."""
    out = StringIO()
    call_command("perfreport", format="json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())["cache"]
    return found


def test_an_unknown_route_is_refused_with_those_known(filled: Path) -> None:
    """In one line."""
    told = refused("/nowhere/")
    assert told == (
        "perfcache: no route is or has '/nowhere/'; known: /account/, /imprint/, /products/<int:pk>/"
    )


def test_since_cuts(filled: Path) -> None:
    """Three hours of the six have about half of the requests."""
    (whole,) = json.loads(run("products", format="json"))["cache"]
    (half,) = json.loads(run("products", format="json", since="3h"))["cache"]
    assert whole["evidence"]["requests"] == 2_500
    assert 1_000 < half["evidence"]["requests"] < 1_500


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"since": "soon"}, "perfcache: --since 'soon' is not an age such as 15m"),
        ({"format": "xml"}, "perfcache: --format 'xml' is not one of text, json"),
        ({"what_if": "x", "since": "1h"}, "perfcache: --what-if reads all of a log"),
    ],
)
def test_a_bad_option_is_refused(filled: Path, options: dict[str, str], told: str) -> None:
    """In one line, with status 2."""
    assert refused(**options).startswith(told)


def test_a_site_without_a_store_is_told(settings: Any) -> None:
    """There is nothing to read, and it says which setting that is."""
    settings.PERFKIT = {"STORE": False}
    assert refused() == "perfcache: there is no store: PERFKIT['STORE'] is False"


def test_a_store_that_is_not_there_yet_is_no_failure(store: Path) -> None:
    """A site has one from its first request on; none is made."""
    told = run()
    assert told.endswith("Nothing is known of any route yet.\n")
    assert "no store at" in told
    assert not store.parent.exists()
    assert run("products") == told
    assert json.loads(run(format="json"))["cache"] == []


def test_a_store_without_events_is_no_failure(store: Path, settings: Any) -> None:
    """The advisor may be off, which is told."""
    settings.PERFKIT = {**settings.PERFKIT, "CACHE_ADVISOR": False}
    stored.write_events([])
    stored.write_events(stored.visits(time.time())[:1])
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM perfkit_event")
    assert run() == (
        "note: PERFKIT['CACHE_ADVISOR'] is off: nothing new is noted for the cache advice.\n"
        "Nothing is known of any route yet.\n"
    )


def test_a_damaged_store_is_refused(filled: Path) -> None:
    """In one line, with what to do about it."""
    filled.write_bytes(b"This is not a database. " * 500)
    for more in filled.parent.glob("*-*"):
        more.unlink()
    assert refused().startswith("perfcache: the store cannot be read: ")


def test_unreadable_events_are_counted(filled: Path) -> None:
    """The others tell what they tell."""
    with closing(sqlite3.connect(filled)) as connection, connection:
        (rows,) = connection.execute("SELECT count(*) FROM perfkit_event").fetchone()
        connection.execute("UPDATE perfkit_event SET payload = x'00' WHERE id % 2")
    told = run()
    assert f"note: {(rows + 1) // 2} rows of the cache advisor could not be read.\n" in told
    assert "GET /products/<int:pk>/: " in told


def test_a_new_secret_key_begins_anew(filled: Path, settings: Any) -> None:
    """Hashes of two keys are never compared: the key used last counts, the rest is told."""
    settings.SECRET_KEY = "another one"
    now = time.time() + 60
    stored.write_events(stored.visits(now)[-30:])
    told = json.loads(run(format="json"))
    assert sum(each["evidence"]["requests"] for each in told["cache"]) == 30
    assert "noted under another SECRET_KEY" in told["notes"][0]


def test_an_output_without_unicode_is_served(filled: Path) -> None:
    """An old terminal gets bars of another kind."""
    raw = BytesIO()
    out = TextIOWrapper(raw, encoding="ascii")
    call_command("perfcache", "products", stdout=out)
    out.flush()
    assert "####" in raw.getvalue().decode("ascii")


# --- Logs ---------------------------------------------------------------------------------------

LINE = (
    '10.0.0.{who} - - [21/Nov/2026:10:{minute:02}:{second:02} +0000] "GET /page/{page}?q={q} HTTP/1.1" '
    '200 512 "-" "Mozilla/5.0"'
)


def combined(count: int = 600) -> list[str]:
    """Make lines of a combined log: three pages, every second one asked for with a tracker's mark."""
    return [
        LINE.format(
            who=number % 50,
            minute=number // 60,
            second=number % 60,
            page=number % 3,
            q=1 if number % 2 else f"1&utm_source={number}",
        )
        for number in range(count)
    ]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write ten minutes of a combined log, with four lines that are none."""
    path = tmp_path / "access.log"
    bad = ["", "garbage", LINE[:40], '- - - [x] "GET / HTTP/1.1" 200 5', "\ufffd\u2028"]
    path.write_text("\n".join([*combined(), *bad]), encoding="utf-8")
    return path


def test_a_combined_log_is_replayed(log: Path) -> None:
    """Hit ratios by timeout; bad lines are counted; it says what a log cannot tell."""
    told = run(what_if=str(log))
    assert "600 requests in 0.2 h, 303 different addresses; 4 lines could not be read." in told
    assert "A log has neither bodies nor costs" in told
    assert "saves" not in told
    found = json.loads(run(what_if=str(log), format="json"))
    assert [each["timeout"] for each in found["timeouts"]] == list(TIMEOUTS)
    last = found["timeouts"][-1]
    # Half of the requests have an address of their own; without the mark there are three.
    assert (last["hit_ratio"], last["hit_ratio_without_tracking"]) == (0.495, 0.995)
    low, high = last["hit_ratio_interval"]
    assert low <= 0.495 <= high
    assert (found["requests"], found["bad_lines"], found["addresses"]) == (600, 4, 303)
    assert found["common"][0] == {"path": "/page/0", "requests": 200}
    assert "utm" not in json.dumps(found)


def test_no_cost_and_no_verdict_is_made_up(log: Path) -> None:
    """What a log does not tell is not in the JSON."""
    found = json.loads(run(what_if=str(log), format="json"))
    assert found["knows"] == ["hit_ratio"]
    assert not {"saved_seconds_per_hour", "stale_share", "verdict"} & set(str(found).split("'"))


def test_a_packed_log_is_the_same(log: Path, tmp_path: Path) -> None:
    """As servers keep old ones."""
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    assert run(what_if=str(packed)) == run(what_if=str(log))


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    """In whatever order, with others between; bad rows are counted."""
    path = tmp_path / "trace.tsv"
    rows = [f"x\t200\t/a\t{at}\tGET" for at in range(0, 100, 10)]
    bad = [
        "x",
        "x\tok\t/a\t1\tGET",
        "x\t200\t/a\tsoon\tGET",
        "x\t200\t/a\tnan\tGET",
        "x\t70000\t/a\t1\tGET",
    ]
    path.write_text("\n".join(["host\tresponse\turl\ttime\tmethod", *rows, *bad]))
    found = json.loads(run(what_if=str(path), format="json"))
    assert (found["requests"], found["bad_lines"], found["addresses"]) == (10, 5, 1)
    ratios = {each["timeout"]: each["hit_ratio"] for each in found["timeouts"]}
    assert (ratios[5], ratios[15], ratios[3600]) == (0.0, 0.5, 0.9)


def test_only_what_django_would_store_is_stored(tmp_path: Path) -> None:
    """A 404 is asked for again and again; a POST takes no part."""
    path = tmp_path / "trace.tsv"
    rows = [f"{at}\tGET\t/missing\t404" for at in range(10)]
    rows += [f"{at}\tPOST\t/form\t200" for at in range(10)]
    path.write_text("\n".join(["time\tmethod\turl\tresponse", *rows]))
    found = json.loads(run(what_if=str(path), format="json"))
    assert {each["hit_ratio"] for each in found["timeouts"]} == {0.0}


@pytest.mark.parametrize(
    ("content", "lines"), [(b"", 0), (b"no log\nat all\n", 2), (b"\x00" * (LONGEST_LINE + 5), 2)]
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, lines: int) -> None:
    """Empty, of another form, or binary and without line ends: the line says how many were read."""
    path = tmp_path / "x.log"
    path.write_bytes(content)
    told = refused(what_if=str(path))
    assert told == (
        f"perfcache: --what-if '{path}' has no line in the combined format, nor tab-separated "
        f"columns with time, method, url and response ({lines} lines were read)"
    )


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, log: Path) -> None:
    """Missing, a folder, not packed, or packed and cut off."""
    missing = tmp_path / "missing.log"
    assert refused(what_if=str(missing)) == (
        f"perfcache: --what-if '{missing}' cannot be read: No such file or directory"
    )
    assert refused(what_if=str(tmp_path)).endswith("cannot be read: Is a directory")
    plain = tmp_path / "plain.gz"
    plain.write_bytes(log.read_bytes())
    assert "cannot be read: Not a gzipped file" in refused(what_if=str(plain))
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(log.read_bytes())[:-200])
    assert "cannot be read: Compressed file ended" in refused(what_if=str(cut))


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    """In bytes of the file as it is on disk, never more than it has."""
    packed = tmp_path / "x.gz"
    packed.write_bytes(gzip.compress("\n".join(combined(5_000)).encode()))
    told: list[tuple[int, int]] = []
    with opened(str(packed)) as file:
        assert sum(1 for _ in file.lines(lambda done, of: told.append((done, of)))) == 5_000
    assert len(told) == 3
    assert told == sorted(told)
    assert {of for _, of in told} == {packed.stat().st_size}


class Closed(StringIO):
    """An output that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, _: str) -> int:
        raise self._error


def test_an_output_that_takes_nothing(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that left is no error, a full disk is one line."""
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # the command sets it to None
    with pytest.raises(SystemExit) as ended:
        call_command("perfcache", what_if=str(log), stdout=Closed(BrokenPipeError()))
    assert ended.value.code == 0
    full = Closed(OSError(28, "No space left on device"))
    with pytest.raises(CommandError, match="cannot be written: No space left on device"):
        call_command("perfcache", what_if=str(log), stdout=full)


def test_a_route_that_no_cache_answers_has_no_table(store: Path) -> None:
    """It is asked by POST only."""
    events = [replace(each, method="POST", url=0) for each in stored.visits(time.time())[:50]]
    stored.write_events(events)
    told = run("products")
    assert "POST /products/<int:pk>/: do not cache it" in told
    assert "timeout" not in told


def test_a_route_and_a_log_do_not_go_together(log: Path) -> None:
    """A log has no routes."""
    assert "it takes no route" in refused("products", what_if=str(log))


def test_progress_shows_in_a_terminal_only(tmp_path: Path) -> None:
    """A pipe gets the figures and nothing else; a terminal on standard error a bar that goes again."""
    path = tmp_path / "long.log"
    path.write_text("\n".join(combined(3_000) * 3))
    argv = [sys.executable, "-c", BAR_AT_ONCE, "perfcache", "--what-if", str(path)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TERM": "xterm"}
    quiet = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout.startswith("9,000 requests in ")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as running:
        os.close(theirs)
        shown = b""
        while chunk := read_from(ours):
            shown += chunk
        assert running.stdout is not None
        assert running.stdout.read() == quiet.stdout
    os.close(ours)
    assert b"Reading" in shown
    assert b"%" in shown


#: The command without the patience after which a bar shows.
BAR_AT_ONCE = """
import sys
from django.core.management import execute_from_command_line
from perfkit.report import progress
progress._PATIENCE_S = 0.0
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


def read_from(terminal: int) -> bytes:
    """Read from a terminal; nothing when the other side is gone, which Linux calls an error."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_a_site_without_the_app_has_it_too(log: Path, tmp_path: Path) -> None:
    """As with perfreport: `python -m perfkit perfcache`; a route that only a shell would spoil, too."""
    (tmp_path / "site_settings.py").write_text("SECRET_KEY = 'x'\nPERFKIT = {'STORE': False}\n")
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": path}
    for argv, status, told in (
        (["--what-if", str(log)], 0, ""),
        (["/products/<int:pk>/"], 2, "perfcache: there is no store: PERFKIT['STORE'] is False\n"),
        (["--settings", "no_such"], 2, "perfcache: the settings 'no_such' cannot be used"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "perfcache", *argv],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status
        assert done.stderr.startswith(told)
        assert bool(done.stdout) == (status == 0)


def test_as_a_program_it_refuses_in_one_line(log: Path) -> None:
    """Without a traceback, with the command's name, and with status 2."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    for argv, told in (
        (["--colour"], "perfcache: unrecognized arguments: --colour\n"),
        (["--format", "xml"], "perfcache: --format 'xml' is not one of text, json\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "django", "perfcache", *argv],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "", told)
