"""A store in a folder of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit.store.sink import StoreSink
from tests.store.writing import database_at, settings_of

Start = Callable[..., list["subprocess.Popen[str]"]]


@pytest.fixture(autouse=True)
def store_is_a_file(django_db_blocker: Any) -> Iterator[None]:
    """Let the store be opened: it is a file of the test, not the site's database."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where the store is; neither file nor folder is there yet."""
    return tmp_path / "perfkit" / "perfkit.sqlite3"


@pytest.fixture
def database(path: Path) -> dict[str, Any]:
    """Describe the store."""
    return database_at(path)


@pytest.fixture
def sink(database: dict[str, Any]) -> StoreSink:
    """Make a worker's side of the store."""
    return StoreSink(settings_of(database))


@pytest.fixture
def start(path: Path) -> Start:
    """Start workers that begin to write at the same moment."""

    def start(count: int, flushes: int) -> list[subprocess.Popen[str]]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [sys.executable, "-m", "tests.store.writing", str(path), str(flushes)]
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
