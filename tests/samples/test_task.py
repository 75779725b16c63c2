"""A task that failed is kept as a request is, with the class of its exception."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery

from perfkit.celery import tasks
from perfkit.metrics.sample import ERRORED
from tests.seen import Seen

app = Celery("kept", broker="memory://", set_as_current=False)
app.conf.update(task_always_eager=True, task_eager_propagates=False)


@app.task(name="kept.fail")
def fail() -> None:
    """Fail."""
    raise LookupError("s3cret-value")


@pytest.fixture
def installed() -> Iterator[None]:
    """Listen to Celery."""
    tasks.install()
    yield
    tasks.uninstall()


def test_a_failed_task_names_its_exception(seen: Seen, installed: None) -> None:
    """By its class."""
    fail.delay()
    [sample] = [each for each in seen.stored().samples if each.kind == ERRORED]
    assert (sample.route, sample.method) == ("kept.fail", "TASK")
    assert sample.data["error"] == "LookupError"
    assert b"s3cret" not in seen.path.read_bytes()
