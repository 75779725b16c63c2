"""Celery tasks: recorded as requests are, under the task's name, wherever Celery runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from celery import Celery, Task
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore, Retry
from django.apps import AppConfig
from django.db import connection
from django.test import override_settings

import perfkit
from perfkit.celery import tasks
from perfkit.store.read import read
from tests.library.models import Book
from tests.library.shelves import ROWS, fill
from tests.seen import Seen, heard

app = Celery("site", broker="memory://", backend="cache+memory://", set_as_current=False)
app.conf.update(task_always_eager=True, task_eager_propagates=False)


@app.task(name="site.names")
def names() -> list[str]:
    """Loop over rows as a task does."""
    return [book.author.name for book in Book.objects.all()]


@app.task(name="site.ask")
def ask(times: int = 1) -> None:
    """Run a statement so often."""
    for _ in range(times):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pragma_database_list")


@app.task(name="site.outer")
def outer() -> None:
    """Run another task in the midst of this one."""
    ask.delay(2)
    ask(1)


@app.task(name="site.fail")
def fail() -> None:
    """Fail."""
    raise ValueError("of the task")


@app.task(name="site.stop")
def stop() -> None:
    """End as a worker that is told to stop in the middle of a task."""
    raise SystemExit(1)


@app.task(name="site.ignore")
def ignore() -> None:
    """Leave no result."""
    raise Ignore


@app.task(name="site.again", bind=True)
def again(self: Task) -> None:
    """Ask to be run again."""
    raise Retry


@pytest.fixture(autouse=True)
def _installed(seen: Seen) -> Iterator[None]:
    tasks.install()
    yield
    tasks.uninstall()


@pytest.mark.django_db
def test_a_task_is_one_record(seen: Seen) -> None:
    """Its name is the route, and what it loops over is found."""
    seen.configure(ANALYZERS=["tests.seen.listen", "perfkit.analyzers.nplusone.analyze"])
    fill()
    assert len(names.delay().get()) == ROWS
    record = seen.one()
    assert (record.method, record.route, record.status) == ("TASK", "site.names", 200)
    assert record.statements == ROWS + 1
    assert record.duration_ms >= record.db_ms > 0
    assert record.cpu_ms is not None
    (stats,) = seen.window().findings.values()
    assert dict(stats.routes) == {"TASK site.names": 1}


def test_a_task_that_fails_is_an_error(seen: Seen) -> None:
    """Counted as a request with status 500 is; a task to be run again has not failed yet."""
    fail.delay()
    ignore.delay()
    again.delay()
    routes = seen.window().routes
    assert {route: dict(stats.status) for (route, _), stats in routes.items()} == {
        "site.fail": {"5xx": 1},
        "site.ignore": {"2xx": 1},
        "site.again": {"2xx": 1},
    }


def test_a_task_that_is_cut_short_is_recorded(seen: Seen) -> None:
    """The worker goes down, and its exception is not touched."""
    with pytest.raises(SystemExit):
        stop.delay()
    assert (seen.one().status, seen.one().aborted) == (500, True)


@pytest.mark.django_db
def test_a_task_within_a_task_is_part_of_it(seen: Seen) -> None:
    """As it is run there and then, it is the outer one's work; the same in a request."""
    outer.delay()
    record = seen.one()
    assert (record.route, record.statements) == ("site.outer", 3)


@pytest.mark.django_db
def test_a_block_around_a_task_sees_it(seen: Seen) -> None:
    """Both tell it."""
    with perfkit.record() as recorded:
        ask.delay(2)
    assert recorded.statements == 2
    (stats,) = seen.window().routes.values()
    assert (stats["requests"], stats["statements"]) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_worker_records_its_tasks(seen: Seen) -> None:
    """A real one, with its messages, its threads and its context."""
    app.conf.task_always_eager = False
    try:
        with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False):
            results = [ask.delay(times) for times in (1, 2, 3)]
            for result in results:
                result.get(timeout=20)
    finally:
        app.conf.task_always_eager = True
    assert seen.window().requests == 3
    assert sorted(record.statements for record in heard) == [1, 2, 3]
    assert {record.route for record in heard} == {"site.ask"}


def test_switched_off_nothing_is_connected(seen: Seen) -> None:
    """ENABLED is about tasks as about requests."""
    tasks.uninstall()
    with override_settings(PERFKIT={"ENABLED": False}):
        tasks.install()
    fail.delay()
    seen.flush()
    assert heard == []


def test_the_app_connects_itself(seen: Seen) -> None:
    """One line in INSTALLED_APPS is all; its label leaves that of Celery alone."""
    tasks.uninstall()
    config = AppConfig.create("perfkit.celery")
    assert config.label == "perfkit_celery"
    config.ready()
    config.ready()
    fail.delay()
    assert seen.one().route == "site.fail"


SETTINGS = """
    from pathlib import Path

    BASE_DIR = Path(__file__).resolve().parent
    SECRET_KEY = "of the test only"
    INSTALLED_APPS = ["perfkit.celery"]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    FOLDERS = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        name: str(BASE_DIR / folder) for name, folder in FOLDERS.items()
    }
    CELERY_RESULT_BACKEND = f"file://{BASE_DIR / 'results'}"
"""
SITE = """
    import os

    import django
    from celery import Celery

    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    app = Celery("site")
    app.config_from_object("django.conf:settings", namespace="CELERY")

    @app.task(name="site.ask")
    def ask(times):
        from django.db import connection

        for _ in range(times):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        return os.getpid()
"""
SENDS = """
    from site_tasks import ask

    print(*{result.get(timeout=30) for result in [ask.delay(times) for times in (1, 2, 3, 4)]})
"""


def test_a_prefork_worker_loses_nothing_when_it_stops(
    tmp_path: Path, django_db_blocker: Any
) -> None:
    """Its children leave without what Python does at the end, and flush before it."""
    for name, text in {"settings": SETTINGS, "site_tasks": SITE, "sends": SENDS}.items():
        (tmp_path / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()
    options = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")
    command = (sys.executable, "-m", "celery", "-A", "site_tasks", "worker", "-c2", *options)
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
        try:
            sent = subprocess.run(
                (sys.executable, "sends.py"),
                cwd=tmp_path,
                check=True,
                capture_output=True,
                timeout=60,
            )
        finally:
            worker.terminate()
            status = worker.wait(30)
    told = (tmp_path / "worker.log").read_text(encoding="utf-8", errors="replace")
    assert status == 0, told
    assert str(worker.pid) not in sent.stdout.decode().split()
    store = tmp_path / ".perfkit" / "perfkit.sqlite3"
    with django_db_blocker.unblock():  # the store is a file of this test
        stored = read({"ENGINE": "django.db.backends.sqlite3", "NAME": str(store)}, 0)
    assert list(stored.window.routes) == [("site.ask", "TASK")], told
    stats = stored.window.routes["site.ask", "TASK"]
    assert (stats["requests"], stats["statements"]) == (4, 10)
