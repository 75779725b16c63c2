"""A store of the test's own: each test runs on SQLite and on PostgreSQL, unless it is about the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit.store import sink as sink_module
from perfkit.store.sink import StoreSink
from tests.services import service
from tests.store.postgres import database_of, new_database
from tests.store.writing import database_at, settings_of

Start = Callable[..., list["subprocess.Popen[str]"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a store on both databases; one that takes its path too is about a file."""
    if "database" in metafunc.fixturenames:
        both = "path" not in metafunc.fixturenames
        kinds = ["sqlite", "postgresql"] if both else ["sqlite"]
        metafunc.parametrize("database", kinds, indirect=True)


@pytest.fixture(autouse=True)
def store_is_ours(django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the store be opened, which is not the site's database, and let each flush be written."""
    monkeypatch.setattr(sink_module, "WRITE_EVERY_S", 0.0)
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where the file is; neither file nor folder is there yet."""
    return tmp_path / "perfkit" / "perfkit.sqlite3"


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Describe the store; nothing is in it yet."""
    if request.param == "sqlite":
        yield database_at(tmp_path / "perfkit" / "perfkit.sqlite3")
        return
    with new_database(database_of(service("PERFKIT_TEST_POSTGRES"))) as made:
        yield made


@pytest.fixture
def postgres() -> Iterator[dict[str, Any]]:
    """Describe a store on PostgreSQL, for tests of what only a server does."""
    with new_database(database_of(service("PERFKIT_TEST_POSTGRES"))) as made:
        yield made


@pytest.fixture
def sink(database: dict[str, Any]) -> StoreSink:
    """Make a worker's side of the store."""
    return StoreSink(settings_of(database))


@pytest.fixture
def start() -> Start:
    """Start workers that begin to write at the same moment."""

    def start(database: dict[str, Any], count: int, flushes: int) -> list[subprocess.Popen[str]]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [sys.executable, "-m", "tests.store.writing", json.dumps(database), str(flushes)]
        workers = [
            subprocess.Popen(
                command,
                env=environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(count)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return workers

    return start
