"""``perfreport --format html``: the store of a site as one file, whatever the terminal's encoding."""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Aggregate
from perfkit.store.marks import add_mark
from perfkit.store.sink import StoreSink
from tests.report_html import made
from tests.report_html.test_document import Reader


@pytest.fixture
def store(tmp_path: Path, settings: Any, django_db_blocker: Any) -> Any:
    """Write three hours of requests, a sample and a deploy into a store of its own."""
    settings.PERFKIT = {
        "STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "store.sqlite3")}
    }
    now = time.time()
    with django_db_blocker.unblock():
        aggregate = Aggregate(200, 500.0)
        for number in range(60):
            at = now - 180 * number - 60
            aggregate.add(made.request("/a/", at, 20.0, findings=(made.finding(),)), True, 1)
            if not number:
                aggregate.window(at).keep(
                    [made.Sample("slowest", "/a/", "GET", at, 20.0, {"duration_ms": 20.0})]
                )
        StoreSink(get_settings()).emit(aggregate.take())
        add_mark(settings.PERFKIT["STORE"], "v9", now - 3_600)
        yield


def report(**options: Any) -> Reader:
    """Run the command and read its page."""
    out = StringIO()
    call_command("perfreport", format="html", stdout=out, **options)
    assert out.getvalue().isascii()
    return Reader(out.getvalue())


def test_the_command_writes_the_page(store: Any) -> None:
    """It holds the store's requests, finding, deploy, sample and steps of time."""
    read = report(since="4h")
    assert "Requests 60 " in read.text
    assert "shop.Product.supplier" in read.text
    assert "20.0 ms slowest" in read.text
    assert [name for _, name in read.data["marks"]] == ["v9"]
    assert sum(read.data["series"]["whole"]["requests"]) == 60
    assert len([each for each in read.data["series"]["whole"]["requests"] if each]) > 10


def test_without_a_store_it_is_a_page_too(settings: Any) -> None:
    """What a browser opens says why it is empty."""
    settings.PERFKIT = {"STORE": False}
    assert "There is no store" in report().text
