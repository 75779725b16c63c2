"""What only a server does: connections, rights, limits, locks; each against the real PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from time import time
from typing import Any

import pytest
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseError, InternalError, OperationalError, ProgrammingError

import perfkit
from perfkit.errors import StoreError, StoreMissing
from perfkit.store import fold
from perfkit.store import postgres as postgres_module
from perfkit.store.connection import fault_of, opened
from perfkit.store.read import read
from perfkit.store.schema import statements
from perfkit.store.sink import StoreSink
from perfkit.store.transaction import snapshot, transaction
from tests.store.postgres import connected
from tests.store.writing import MINUTE, ask, loop, request, settings_of, windows


@pytest.fixture
def worker(postgres: dict[str, Any]) -> StoreSink:
    """Make a worker's side of a store that has its tables."""
    StoreSink(settings_of(postgres)).emit(windows(request()))
    return StoreSink(settings_of(postgres))


@pytest.fixture
def site(postgres: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Describe the same database for a role that may connect and nothing else."""
    role = postgres["NAME"]
    with connected(postgres) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'its-own'".encode())
    yield {**postgres, "USER": role, "PASSWORD": "its-own"}
    with connected(postgres) as admin:
        admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def sessions(database: dict[str, Any]) -> int:
    """Count perfkit's own connections to a database."""
    with connected(database) as admin:
        found = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perfkit' "
            "AND datname = current_database()"
        ).fetchone()
    assert found
    return int(found[0])


# Connections ---------------------------------------------------------------------------------


def test_a_flush_opens_its_own_connection_and_closes_it(
    worker: StoreSink, postgres: dict[str, Any]
) -> None:
    """None of the site's is used, none of ours is left, and nothing of it is recorded."""
    before = {each.alias for each in connections.all(initialized_only=True)}
    with perfkit.record() as record:
        worker.emit(windows(request()))
    assert record.queries == ()
    assert {each.alias for each in connections.all(initialized_only=True)} == before
    assert sessions(postgres) == 0
    with opened(postgres, create=False):
        assert sessions(postgres) == 1


def test_limits_hold_in_a_transaction_and_only_there(postgres: dict[str, Any]) -> None:
    """Behind a pooler the session is the site's too: it must not inherit them."""
    shown = []
    with opened(postgres, create=True) as connection, connection.cursor() as cursor:
        for block in (transaction(connection), snapshot(connection)):
            with block:
                for name in ("statement_timeout", "lock_timeout"):
                    cursor.execute(f"SHOW {name}")
                    shown += cursor.fetchone()
        cursor.execute("SHOW statement_timeout")
        shown += cursor.fetchone()
    assert shown == ["5s", "1s", "1min", "1s", "0"]


def test_the_sites_options_count_but_for_pool_and_isolation() -> None:
    """Certificates and the like are needed; a pool would stay open, another isolation fail."""
    given = {"sslmode": "require", "connect_timeout": 9, "pool": True, "isolation_level": 3}
    options = postgres_module.options(given)
    assert options["sslmode"] == "require"
    assert options["connect_timeout"] == 9
    assert not {"pool", "isolation_level"} & set(options)


def test_a_pool_of_the_sites_is_not_opened(worker: StoreSink, postgres: dict[str, Any]) -> None:
    """``DATABASES["default"]`` can be given as it is."""
    entry = {**postgres, "CONN_MAX_AGE": None, "OPTIONS": {"pool": True}}
    StoreSink(settings_of(entry)).emit(windows(request()))
    assert sessions(postgres) == 0
    assert read(entry, 0).window.requests == 2


def test_errors_tell_no_password(postgres: dict[str, Any]) -> None:
    """Wrong password, no such host, no such port."""
    secret = "hunter2-of-the-test"
    for wrong in ({}, {"HOST": "127.0.0.1", "PORT": "1"}, {"HOST": "no.such.host.invalid"}):
        sink = StoreSink(settings_of({**postgres, "PASSWORD": secret, **wrong}))
        with pytest.raises(OperationalError) as error:
            sink.emit(windows(request()))
        assert secret not in str(error.value)
        assert sink.waiting


def test_nothing_is_logged_by_a_flush(
    worker: StoreSink, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With DEBUG too, when Django logs each statement with its values."""
    settings.DEBUG = True
    with caplog.at_level(logging.DEBUG):
        worker.emit(windows(request()))
    assert {str(each.args[1]) for each in caplog.records if each.args} <= {"BEGIN", "COMMIT"}


# Rights --------------------------------------------------------------------------------------


def test_a_role_without_create_right_writes_into_tables_that_are_there(
    worker: StoreSink, postgres: dict[str, Any], site: dict[str, Any]
) -> None:
    """An administrator made them; the workers may read and write rows."""
    with connected(postgres) as admin:
        admin.execute("REVOKE CREATE ON SCHEMA public FROM public")
        admin.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public "
            f"TO {site['USER']}".encode()
        )
    StoreSink(settings_of(site)).emit(windows(request(findings=(loop(),))))
    with opened(site, create=True) as connection:
        fold.fold(connection, MINUTE + 600, settings_of(site))
    assert read(site, 0).window.requests == 2


def test_without_tables_and_right_the_data_waits(
    postgres: dict[str, Any], site: dict[str, Any]
) -> None:
    """The error says what is missing; once the tables are made by hand the data goes in."""
    sink = StoreSink(settings_of(site))
    with pytest.raises(ProgrammingError, match="permission denied for schema public"):
        sink.emit(windows(request()))
    assert sink.waiting
    with connected(postgres) as admin:
        for statement in statements("postgresql"):
            admin.execute(statement.encode())
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {site['USER']}".encode())
    sink.emit({})
    assert read(site, 0).window.requests == 1


def test_a_report_needs_no_right_to_write(
    worker: StoreSink, postgres: dict[str, Any], site: dict[str, Any]
) -> None:
    """A host that only has the settings of a role that may look."""
    worker.emit(windows(request(findings=(loop(),))))
    with connected(postgres) as admin:
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {site['USER']}".encode())
    stored = read(site, 0, step_s=60)
    assert (stored.window.requests, len(stored.texts), len(stored.steps)) == (2, 1, 1)


def test_a_report_without_rights_is_an_error_that_says_so(
    worker: StoreSink, site: dict[str, Any]
) -> None:
    """Not an empty report."""
    with pytest.raises(ProgrammingError, match="permission denied"):
        read(site, 0)


def test_a_database_without_tables_is_no_store_yet(postgres: dict[str, Any]) -> None:
    """A report says so and makes none."""
    with pytest.raises(StoreMissing, match="is empty"):
        read(postgres, 0)
    assert (
        ask_admin(postgres, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'perfkit%'") == 0
    )


def ask_admin(database: dict[str, Any], statement: str) -> Any:
    """Ask past perfkit; return the one value."""
    with connected(database) as admin:
        row = admin.execute(statement.encode()).fetchone()
    assert row
    return row[0]


# Faults --------------------------------------------------------------------------------------


def test_a_read_only_server_loses_nothing(worker: StoreSink, postgres: dict[str, Any]) -> None:
    """After a failover the data waits until somebody may write again; reports go on."""
    name = postgres["NAME"]
    with connected(postgres) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    for _ in range(3):
        with pytest.raises(InternalError, match="read-only"):
            worker.emit(windows(request()))
    assert read(postgres, 0).window.requests == 1
    with connected(postgres) as admin:
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    worker.emit({})
    assert read(postgres, 0).window.requests == 4


def test_a_lock_by_somebody_else_is_not_waited_for_long(
    worker: StoreSink, postgres: dict[str, Any]
) -> None:
    """An ALTER TABLE or a VACUUM FULL: the flush gives up after the limit and keeps its data."""
    with connected(postgres) as admin, admin.transaction():
        admin.execute("LOCK TABLE perfkit_window")
        with pytest.raises(OperationalError, match="lock timeout"):
            worker.emit(windows(request()))
    worker.emit({})
    assert read(postgres, 0).window.requests == 2


@pytest.mark.parametrize("table", ["window", "worker", "meta"])
def test_a_killed_connection_loses_and_doubles_nothing(
    worker: StoreSink, postgres: dict[str, Any], monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """The session is ended in the middle of the flush: the next flush writes it anew."""

    def kill_before(statement: str) -> None:
        if f"perfkit_{table}" in statement and killing:
            killing.clear()
            with connected(postgres) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = 'perfkit' AND datname = current_database()"
                )

    killing = [True]
    wrap_statements(monkeypatch, kill_before)
    with pytest.raises(DatabaseError):
        worker.emit(windows(request(), request(MINUTE + 60)))
    assert worker.waiting
    worker.emit(windows(request()))
    assert read(postgres, 0).window.requests == 4


def wrap_statements(monkeypatch: pytest.MonkeyPatch, before: Any) -> None:
    """Call a function before each statement of each cursor of Django's."""
    for name in ("execute", "executemany"):
        real = getattr(CursorWrapper, name)

        def run(self: Any, statement: str, *values: Any, real: Any = real) -> Any:
            before(statement)
            return real(self, statement, *values)

        monkeypatch.setattr(CursorWrapper, name, run)


# Many workers --------------------------------------------------------------------------------


def test_workers_that_write_the_same_texts_do_not_deadlock(postgres: dict[str, Any]) -> None:
    """Eight workers, the same findings, each in an order of its own, folding in between."""
    workers, flushes, findings = 8, 6, 40
    ready = Barrier(workers)

    def work(number: int) -> None:
        order = Random(number)
        sink = StoreSink(settings_of(postgres))
        ready.wait()
        for flush in range(flushes):
            # A new hour each time: every worker wants to write every text.
            at = MINUTE + 7_200 * flush
            some = [loop(f"{n}", access=None) for n in range(findings)]
            order.shuffle(some)
            new = windows(request(at, findings=tuple(some)))
            while new or sink.waiting:
                try:
                    sink.emit(new)
                except OperationalError as error:
                    if "lock timeout" not in str(error):  # a machine under load may wait that long
                        raise
                new = {}
            with opened(postgres, create=True) as connection:
                fold.fold(connection, at + 200, settings_of(postgres))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    stored = read(postgres, 0)
    assert stored.window.requests == workers * flushes
    assert len(stored.texts) == findings
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert ask_admin(postgres, deadlocks) == 0


def test_one_worker_folds_at_a_time(worker: StoreSink, postgres: dict[str, Any]) -> None:
    """Who does not get the lock leaves the work to the one that has it, without waiting."""
    ((identity,),) = ask(postgres, "SELECT value FROM perfkit_meta WHERE name = 'identity'")

    def spans() -> list[int]:
        return [span for (span,) in ask(postgres, "SELECT span FROM perfkit_window")]

    def fold_once() -> None:
        with opened(postgres, create=False) as connection:
            fold.fold(connection, MINUTE + 600, settings_of(postgres))

    with connected(postgres) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [identity])
        fold_once()
        assert spans() == [0]
    fold_once()
    assert spans() == [60]


NO_LOCKS = """
CREATE FUNCTION public.pg_try_advisory_xact_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN {answer}; END $$
"""


@pytest.mark.parametrize(
    "answer",
    [
        "RAISE EXCEPTION 'advisory locks are not yet implemented' USING ERRCODE = '0A000'",
        "RAISE EXCEPTION 'unknown function' USING ERRCODE = '42883'",
        "RETURN true",
    ],
    ids=["refused", "unknown", "in name only"],
)
def test_a_server_without_advisory_locks_is_folded_by_one_too(
    worker: StoreSink, postgres: dict[str, Any], answer: str
) -> None:
    """YugabyteDB before 2025.1 refuses them, CockroachDB does not know them or pretends to."""
    with connected(postgres) as admin:
        admin.execute(NO_LOCKS.format(answer=answer).encode())
        admin.execute(
            f"ALTER DATABASE {postgres['NAME']} SET search_path = public, pg_catalog".encode()
        )

    def fold_once() -> list[Any]:
        with opened(postgres, create=False) as connection:
            fold.fold(connection, MINUTE + 600, settings_of(postgres))
        return ask(postgres, "SELECT span FROM perfkit_window")

    with connected(postgres) as other, other.transaction():
        other.execute("SELECT * FROM perfkit_meta WHERE name = 'identity' FOR UPDATE")
        assert fold_once() == [(0,)]
    assert fold_once() == [(60,)]


def test_two_that_fold_at_once_without_a_lock_double_nothing(
    worker: StoreSink, postgres: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one finds that its rows are gone, and keeps nothing of what it made."""
    monkeypatch.setattr(postgres_module, "is_alone", lambda cursor, key: True)
    monkeypatch.setattr(fold.clock, "is_believable", lambda connection, cursor, now: True)
    now = time()
    ask(postgres, "DELETE FROM perfkit_window")
    for minutes in range(5, 10):
        worker.emit(windows(request(now - 60 * minutes)))
    real = fold._take
    turns = [1]

    def take(cursor: Any, rows: list[int]) -> None:
        if rows and turns:
            turns.pop()
            with opened(postgres, create=False) as other:  # the other one is quicker
                fold.fold(other, now, settings_of(postgres))
        real(cursor, rows)

    monkeypatch.setattr(fold, "_take", take)
    with opened(postgres, create=False) as connection:
        fold.fold(connection, now, settings_of(postgres))
    assert turns == []
    assert read(postgres, 0).window.requests == 5
    assert {span for (span,) in ask(postgres, "SELECT span FROM perfkit_window")} == {60}


def test_another_kind_of_database_is_refused() -> None:
    """Neither opened nor guessed at; a missing driver is told as such."""
    oracle = {"ENGINE": "django.db.backends.dummy", "NAME": "x"}
    assert "cannot store in" in fault_of(oracle)
    with pytest.raises(StoreError, match="SQLite or PostgreSQL"):
        StoreSink(settings_of(oracle)).emit(windows(request()))
    assert fault_of({"ENGINE": "no.such.engine", "NAME": "x"})
    assert fault_of({"ENGINE": "django.db.backends.postgresql", "NAME": "x"}) == ""
