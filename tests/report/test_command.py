"""The command as people and CI run it: exit status, standard error, and stores in any state."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
Shell = Callable[..., subprocess.CompletedProcess[str]]


def test_it_prints_a_report(make: Any, write: Any, shell: Shell) -> None:
    """One line in MIDDLEWARE is enough: the app is not installed here."""
    write(make.request(findings=(make.loop(),)))
    done = shell("perfreport")
    assert (done.returncode, done.stderr) == (0, "")
    assert "GET /products/" in done.stdout
    assert "\x1b" not in done.stdout
    colored = shell("perfreport", "--force-color", TERM="xterm")
    assert "\x1b[" in colored.stdout


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--since", "soon"], "perfreport: --since 'soon' is not an age such as 15m"),
        (["--sort=siez"], "perfreport: --sort 'siez' is not one of total"),
        (["--limit", "x"], "perfreport: --limit 'x' is not a whole number"),
        (["--format", "xml"], "perfreport: --format 'xml' is not one of text, json"),
        (["--fail-on", "n+1"], "perfreport: --fail-on 'n+1' is not one of n_plus_one"),
        (["--colour"], "perfreport: unrecognized arguments: --colour"),
        (["--since"], "perfreport: argument --since: expected one argument"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2(
    store: Path, shell: Shell, argv: list[str], told: str
) -> None:
    """No traceback, no wall of usage."""
    done = shell("perfreport", *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1


def test_fail_on_ends_with_status_1_after_the_report(make: Any, write: Any, shell: Shell) -> None:
    """CI shows what it failed on; the limit hides nothing from the judgment."""
    loops = (make.loop(fingerprint="a"), make.loop(fingerprint="b", severity="info"))
    write(make.request(findings=loops))
    done = shell("perfreport", "--fail-on", "slow_query,n_plus_one", "--fail-on=info", "--limit=1")
    assert done.returncode == 1
    assert "shop.Product.supplier" in done.stdout
    assert done.stderr == "perfreport: --fail-on: 2 findings of n_plus_one, 1 finding of info\n"
    assert shell("perfreport", "--fail-on", "slow_query").returncode == 0
    assert shell("perfreport", "--fail-on", "any", "--route", "/other/").returncode == 0


def test_ci_fails_on_what_is_new_only(make: Any, write: Any, shell: Shell, tmp_path: Path) -> None:
    """As a build runs it: the baseline is written once, and compared with ever after."""
    file = str(tmp_path / "known.json")
    write(make.request(findings=(make.loop(),)))
    done = shell("perfreport", "--write-baseline", file, "--format=json")
    assert (done.returncode, done.stderr) == (0, f"perfreport: 1 finding written to {file}\n")
    assert json.loads(done.stdout)["findings"]
    assert shell("perfreport", "--baseline", file, "--fail-on", "any").returncode == 0
    write(make.request(findings=(make.loop(fingerprint="new"),)))
    done = shell("perfreport", "--baseline", file, "--fail-on", "any")
    assert (done.returncode, done.stderr) == (1, "perfreport: --fail-on: 1 finding\n")
    done = shell("perfreport", "--baseline", f"{file}.gone")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("perfreport: --baseline: the baseline ")
    assert done.stderr.count("\n") == 1


def test_stale_comments_are_told_with_status_1(
    make: Any, write: Any, shell: Shell, tmp_path: Path
) -> None:
    """Without an app in INSTALLED_APPS, and without a template engine."""
    write(make.request())
    (tmp_path / "views.py").write_text("x = books()  # perfkit: ok[few]\n")
    done = shell("perfreport", "--stale")
    assert done.returncode == 1
    assert done.stdout == "views.py:1: # perfkit: ok[few]: accepted nothing\n"
    assert done.stderr == "perfreport: --stale: 1 to remove or to mend, by 1 recorded request\n"


def test_python_callers_get_an_exception(make: Any, write: Any, run: Any) -> None:
    """`call_command` must not end the process that calls it."""
    write(make.request(findings=(make.loop(),)))
    with pytest.raises(CommandError, match="--fail-on: 1 finding") as matched:
        run(fail_on=["any"])
    assert matched.value.returncode == 1
    with pytest.raises(CommandError, match="unrecognized arguments") as refused:
        call_command("perfreport", "--colour")
    assert refused.value.returncode == 2


def test_a_missing_store_is_no_failure(store: Path, shell: Shell) -> None:
    """A site has one from its first request on; the report makes none."""
    done = shell("perfreport", "--fail-on", "any")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No data yet" in done.stdout
    assert not store.parent.exists()


def test_an_empty_store_is_no_failure(store: Path, shell: Shell) -> None:
    """A file made a moment before its first row."""
    store.parent.mkdir()
    store.touch()
    done = shell("perfreport")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No data yet" in done.stdout


def damage(store: Path) -> None:
    """Overwrite the store with something else."""
    store.write_bytes(b"This is not a database. " * 500)


def outdate(store: Path) -> None:
    """Let a newer perfkit have written the store."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE perfkit_meta SET value = 99 WHERE name = 'version'")


@pytest.mark.parametrize(("spoil", "told"), [(damage, "is damaged"), (outdate, "has version 99")])
def test_a_store_that_cannot_be_read_is_status_2(
    make: Any, write: Any, store: Path, shell: Shell, spoil: Callable[[Path], None], told: str
) -> None:
    """The report says so, as text and as JSON, and leaves the file alone."""
    write(make.request())
    spoil(store)
    done = shell("perfreport")
    assert done.returncode == 2
    assert "Nothing to report" in done.stdout
    assert told in " ".join(done.stdout.split())
    assert done.stderr.startswith("perfreport: The store cannot be read: ")
    assert done.stderr.count("\n") == 1
    printed = json.loads(shell("perfreport", "--format", "json").stdout)
    assert printed["totals"]["requests"] == 0
    assert told in printed["store"]["notes"][0]
    assert [path.name for path in store.parent.glob("*damaged*")] == []


def test_a_reader_that_leaves_is_no_error(make: Any, write: Any, site: dict[str, str]) -> None:
    """`perfreport | head` ends without a traceback."""
    write(*[make.request(f"/{number}/" + "x" * 200) for number in range(200)])
    command = [sys.executable, "-m", "perfkit", "perfreport", "--limit", "200"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=site, stdout=pipe, stderr=pipe) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_a_full_disk_is_one_line(make: Any, write: Any, site: dict[str, str]) -> None:
    """`perfreport > file` where nothing fits."""
    write(make.request())
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "perfreport"],
            env=site,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "perfreport: the report cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("argv", "variables", "told"),
    [
        ([], {}, "usage: python -m perfkit perfreport"),
        (["report"], {}, "usage: python -m perfkit perfreport"),
        (["perfreport"], {"DJANGO_SETTINGS_MODULE": ""}, "perfreport: no settings: set DJANGO_"),
        (["perfreport", "--settings", "no_such"], {}, "perfreport: the settings 'no_such' cannot"),
        (["perfreport", "--settings"], {}, "perfreport: argument --settings: expected one"),
    ],
)
def test_a_site_that_is_not_named_is_one_line_and_status_2(
    store: Path, shell: Shell, argv: list[str], variables: dict[str, str], told: str
) -> None:
    """Nothing of Django's is thrown at the reader."""
    done = shell(*argv, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1


def test_settings_may_be_named_on_the_command_line(make: Any, write: Any, shell: Shell) -> None:
    """As with Django's own commands."""
    write(make.request())
    done = shell("perfreport", "--settings=site_settings", DJANGO_SETTINGS_MODULE="")
    assert "GET /products/" in done.stdout


def test_help_needs_no_site(store: Path, shell: Shell) -> None:
    """And explains each option."""
    done = shell("perfreport", "--help", DJANGO_SETTINGS_MODULE="")
    assert done.returncode == 0
    options = ("--since", "--route", "--sort", "--limit", "--format", "--fail-on", "--baseline")
    for option in (*options, "--write-baseline", "--stale"):
        assert option in done.stdout


def test_a_store_that_a_worker_is_writing_is_read(
    make: Any, write: Any, store: Path, run: Any
) -> None:
    """A write-ahead log lets readers pass; so must whatever opens the store."""
    write(make.request())
    with closing(sqlite3.connect(store, isolation_level=None)) as worker:
        worker.execute("BEGIN IMMEDIATE")
        assert "GET /products/" in run()


def test_a_locked_store_is_told(make: Any, write: Any, store: Path, run: Any) -> None:
    """It is there, but somebody keeps it to themselves."""
    write(make.request())
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CommandError, match="The store cannot be read: database is locked"):
            run()
