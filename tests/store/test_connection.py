"""Opening the store: private, apart from the site, and never at the cost of what is there."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.utils import IntegrityError

import perfkit
from perfkit.errors import StoreError
from perfkit.store.connection import opened
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from perfkit.store.sqlite import set_aside
from perfkit.store.transaction import transaction
from tests.store.conftest import Start
from tests.store.writing import request, windows


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Let every permission through that is not refused explicitly."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_the_store_is_private(database: dict[str, Any], path: Path) -> None:
    """Folder 0700, file and companions 0600, whatever the umask; git does not see it."""
    with opened(database, create=True) as connection:
        with transaction(connection), connection.cursor() as cursor:
            cursor.execute("INSERT INTO perfkit_meta (name, value) VALUES ('x', 1)")
        files = sorted(path.parent.glob("perfkit.sqlite3*"))
        assert [file.name[len(path.name) :] for file in files] == ["", "-shm", "-wal"]
        assert {mode(file) for file in files} == {0o600}
    assert mode(path.parent) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_is_left_alone(database: dict[str, Any], path: Path) -> None:
    """A site that chose a folder of its own keeps its permissions and its files."""
    path.parent.mkdir(mode=0o755)
    with opened(database, create=True):
        pass
    assert mode(path.parent) == 0o755
    assert mode(path) == 0o600
    assert not (path.parent / ".gitignore").exists()


def test_reading_makes_nothing(database: dict[str, Any], path: Path) -> None:
    """A report before the first request says so and leaves no file behind."""
    with pytest.raises(StoreError, match="no request has been recorded yet"):
        read(database, 0)
    assert not path.parent.exists()


def test_an_empty_file_is_no_store_yet(database: dict[str, Any], path: Path) -> None:
    """A report between a worker's first two steps says that the store is empty."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(StoreError, match="is empty"):
        read(database, 0)


def test_the_store_is_apart_from_the_site(
    sink: StoreSink, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No statement of ours is recorded, logged under DEBUG, or run on the site's connections."""
    settings.DEBUG = True
    before = {connection.alias for connection in connections.all(initialized_only=True)}
    with caplog.at_level(logging.DEBUG, "django.db.backends"), perfkit.record() as record:
        sink.emit(windows(request()))
    assert record.queries == ()
    assert {str(each.args[1]) for each in caplog.records if each.args} <= {"BEGIN", "COMMIT"}
    assert {each.alias for each in connections.all(initialized_only=True)} == before


def test_a_transaction_is_all_or_nothing(database: dict[str, Any]) -> None:
    """What was written before an error is undone, and the connection goes on."""
    with opened(database, create=True) as connection, connection.cursor() as cursor:
        with pytest.raises(IntegrityError), transaction(connection):
            cursor.executemany(
                "INSERT INTO perfkit_meta (name, value) VALUES ('x', %s)", [[1], [2]]
            )
        cursor.execute("SELECT count(*) FROM perfkit_meta WHERE name = 'x'")
        assert cursor.fetchone() == (0,)
        with transaction(connection):
            cursor.execute("INSERT INTO perfkit_meta (name, value) VALUES ('x', 1)")
    with opened(database, create=False) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT value FROM perfkit_meta WHERE name = 'x'")
        assert cursor.fetchone() == (1,)


# Damage --------------------------------------------------------------------------------------


def fill(sink: StoreSink, path: Path) -> None:
    """Write enough for several pages, all of it in the file itself."""
    for minute in range(40):
        routes = [request(minute * 60, route=f"/{n}/", duration_ms=n * 3.7 + 1) for n in range(30)]
        sink.emit(windows(*routes))
    site = sqlite3.connect(path)
    site.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    site.close()
    for companion in ("-wal", "-shm"):
        Path(f"{path}{companion}").unlink(missing_ok=True)


def damage(path: Path, how: str) -> bytes:
    """Damage the store as a broken disk does; return what the file then holds."""
    content = path.read_bytes()
    page = 4096
    assert len(content) > 8 * page
    damaged = {
        "garbage": os.urandom(5_000),
        "truncated": content[: len(content) // 2 // page * page],
        "root pages": content[:page] + b"\xff" * 3 * page + content[4 * page :],
    }[how]
    path.write_bytes(damaged)
    return damaged


def aside(path: Path) -> list[Path]:
    """List the files set aside, without their companions."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(file for file in found if not file.name.endswith(("-wal", "-shm")))


@pytest.mark.parametrize("how", ["garbage", "truncated", "root pages"])
def test_a_damaged_file_is_set_aside(
    sink: StoreSink,
    path: Path,
    database: dict[str, Any],
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A worker keeps its data, puts the file beside a new one, and says so; nothing is deleted."""
    fill(sink, path)
    content = damage(path, how)
    with pytest.raises(StoreError, match="damaged"):
        read(database, 0)
    assert path.read_bytes() == content  # reports change nothing
    with pytest.raises(StoreError, match="damaged"):
        sink.emit(windows(request(), request()))
    (kept,) = aside(path)
    assert kept.read_bytes()[: len(content)] == content or how == "root pages"
    assert kept.stat().st_size >= len(content)
    assert "was damaged and is now" in caplog.text
    sink.emit(windows(request()))
    assert read(database, 0).window.requests == 3
    assert mode(path) == 0o600


def test_damage_twice_keeps_both_files(sink: StoreSink, path: Path) -> None:
    """Two in the same second do not overwrite each other."""
    for _ in range(3):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(5_000))
        with pytest.raises(StoreError):
            sink.emit(windows(request()))
    assert len(aside(path)) == 3


def test_a_sound_file_is_not_set_aside(sink: StoreSink, path: Path) -> None:
    """Another worker has done it already, and the file here is the new one."""
    sink.emit(windows(request()))
    content = path.read_bytes()
    set_aside(path)
    set_aside(path.with_name("never-there"))
    assert aside(path) == []
    assert path.read_bytes() == content


def test_several_workers_set_a_file_aside_once(
    start: Start, path: Path, database: dict[str, Any]
) -> None:
    """All meet the damage at the same moment; one renames, and all of their data is written."""
    path.parent.mkdir()
    garbage = os.urandom(50_000)
    path.write_bytes(garbage)
    for worker in start(database, 3, 10):
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    (kept,) = aside(path)
    assert kept.read_bytes() == garbage
    assert read(database, 0).window.requests == 3 * 10 * 3
