"""PostgreSQL restarted and crashed while workers write: 0 lost, 0 doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

import psycopg
import pytest
from django.db.utils import OperationalError

from perfkit.store.read import read
from perfkit.store.sink import MOST_WAITING, StoreSink
from scripts.services import FOLDER, ROOT
from scripts.services.postgres import Cluster
from tests.services import service
from tests.store.conftest import Start
from tests.store.postgres import connected, database_of
from tests.store.writing import MINUTE, ask, request, settings_of, windows

WORKERS, FLUSHES = 4, 80
DEADLINE_S = 60


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Start a server of the test's own: others use the shared one."""
    service("PERFKIT_TEST_POSTGRES")  # where it does not run nothing is installed
    made = Cluster(f"postgres-{os.getpid()}")
    begin(made)
    yield made
    made.remove()


def begin(cluster: Cluster) -> None:
    """Start the server from a process that ends: no child of this one is left."""
    program = f"from scripts.services.postgres import Cluster; Cluster({cluster.name!r}).start()"
    environment = {**os.environ, "PERFKIT_SERVICES": str(FOLDER)}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, check=True)


def until(reached: Callable[[], bool]) -> None:
    """Look again and again; a server that is down is no answer."""
    ends = monotonic() + DEADLINE_S
    while monotonic() < ends:
        with suppress(psycopg.Error):
            if reached():
                return
    raise AssertionError("the workers did not get there")


def test_a_restart_during_load_loses_and_doubles_nothing(
    cluster: Cluster, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order (SIGINT) and by a crash (SIGQUIT), again and again; with folding in between."""
    database = database_of(cluster.url)
    running = start(database, WORKERS, FLUSHES)

    def written() -> int:
        with connected(database) as admin:
            row = admin.execute("SELECT coalesce(sum(seq), 0) FROM perfkit_worker").fetchone()
        return int(row[0]) if row else 0

    restarts = 0
    for share in (0.2, 0.4, 0.6):
        aim = share * WORKERS * FLUSHES
        until(lambda aim=aim: written() >= aim)
        cluster.stop(signal.SIGQUIT if restarts % 2 else signal.SIGINT)
        begin(cluster)
        restarts += 1
    for worker in running:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    sent = WORKERS * FLUSHES * 3
    stored = read(database, 0)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{restarts} restarts of PostgreSQL during load: {sent} requests sent, "
            f"{stored.window.requests} stored\n"
        )
    assert (stored.window.requests, dict(stored.window.dropped)) == (sent, {})
    assert stored.window.routes["/products/", "GET"].duration.count == sent
    assert len(ask(database, "SELECT epoch FROM perfkit_worker")) == WORKERS


def test_a_server_that_is_down_for_long_is_bounded_and_counted(cluster: Cluster) -> None:
    """Three hours without the server: an hour waits, what goes beyond is counted."""
    database = database_of(cluster.url)
    sink = StoreSink(settings_of(database))
    sink.emit(windows(request()))
    cluster.stop(signal.SIGQUIT)
    for minute in range(180):
        with pytest.raises(OperationalError):
            sink.emit(windows(request(MINUTE + 60 * minute)))
    begin(cluster)
    sink.emit({})
    window = read(database, 0).window
    assert window.requests + window.dropped["requests"] == 181
    assert window.requests == 1 + MOST_WAITING
