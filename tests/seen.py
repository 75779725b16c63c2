"""What perfkit saw while a test ran: through an analyzer of the site's own and through the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit import pipeline
from perfkit.conf import Settings, get_settings
from perfkit.isolation import failures
from perfkit.metrics.aggregate import Window
from perfkit.record import Finding, RequestRecord
from perfkit.store.read import Stored, read

heard: list[RequestRecord] = []


def listen(record: RequestRecord, settings: Settings) -> Iterable[Finding]:
    """Analyze nothing: keep the record, as a site's own analyzer may."""
    heard.append(record)
    return ()


class Seen:
    """The observations of one test.

    Attributes:
        path: the store's file.
    """

    def __init__(self, folder: Path, settings: Any, blocker: Any) -> None:
        self._blocker = blocker
        self.path = folder / "perfkit" / "perfkit.sqlite3"
        self._settings = settings
        self.configure()

    def configure(self, **options: Any) -> None:
        """Begin anew, with further keys of ``PERFKIT``."""
        store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.path)}
        analyzers = ["tests.seen.listen"]
        self._settings.PERFKIT = {"STORE": store, "ANALYZERS": analyzers, **options}
        self.forget()

    def forget(self) -> None:
        """End the flusher's thread and drop what the sinks have summed up."""
        self.flush()
        if pipeline.sinks.cache_info().currsize and (statsd := pipeline.sinks().statsd):
            statsd.close()
        pipeline.sinks.cache_clear()
        failures.clear()
        heard.clear()

    def flush(self) -> None:
        """End the flusher's thread and write what is left, as the end of a process does."""
        with self._blocker.unblock():  # the store is a file of this test, not the site's database
            pipeline.flusher().stop()

    def stored(self) -> Stored:
        """Flush, and read the store."""
        self.flush()
        database = get_settings().store
        assert database is not None
        with self._blocker.unblock():
            return read(database, 0)

    def window(self) -> Window:
        """Return the sums over everything observed."""
        return self.stored().window

    def one(self) -> RequestRecord:
        """Return the record of the one request that was observed, exactly once."""
        assert self.window().requests == 1
        (record,) = heard
        return record


@pytest.fixture
def seen(tmp_path: Path, settings: Any, django_db_blocker: Any) -> Iterator[Seen]:
    """Watch what perfkit sees, from the request to the store."""
    watching = Seen(tmp_path, settings, django_db_blocker)
    yield watching
    watching.forget()
