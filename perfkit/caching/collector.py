"""One worker's events between two flushes: what to note, made in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perfkit.caching.event import Event
from perfkit.caching.fingerprint import site_hashes
from perfkit.caching.hits import Labels
from perfkit.caching.masking import Masks
from perfkit.caching.probe import Probe
from perfkit.caching.sampling import Sampling
from perfkit.caching.side_effects import writes_in
from perfkit.capture.answer import Candidate
from perfkit.capture.current import Trace
from perfkit.conf import Settings, site_setting
from perfkit.record import RequestRecord

#: Table of sessions that are kept in the database.
SESSION_TABLE: Final = "django_session"


class Collector:
    """Makes an event of each request that tells anything about caching.

    Args:
        settings: ``cache_masks`` is read.
    """

    def __init__(self, settings: Settings) -> None:
        self._hashes = site_hashes()
        masks = Masks(settings.cache_masks)
        cookie = str(site_setting("SESSION_COOKIE_NAME") or "sessionid")
        self._labels = Labels()
        self._probe = Probe(self._hashes, masks, cookie, SESSION_TABLE, Sampling())

    @property
    def epoch(self) -> int:
        """Which key the hashes were made with."""
        return self._hashes.epoch

    def consider(self, record: RequestRecord, trace: Trace, note: Callable[[Event], None]) -> None:
        """Note a request, where it was a candidate or wrote something that a cache would hold."""
        candidate, trace.candidate = trace.candidate, None
        event: Event | None = None
        if candidate is not None:
            event = self._event(record, candidate, trace)
        elif writes := writes_in(trace, SESSION_TABLE):
            event = Event(
                at=record.started_at, route=record.route, method=record.method,
                status=record.status, url=0, bare_url=0, address=0, path=0, principal=0, audience=0,
                writes=writes,
            )  # fmt: skip
        if event is not None:
            note(event)

    def _event(self, record: RequestRecord, candidate: Candidate, trace: Trace) -> Event | None:
        if not candidate.path_info:
            self._labels.learn(candidate.pattern, record.route)
            return self._probe.event(record, candidate, trace)
        label = self._labels.of(candidate)
        return None if label is None else self._probe.event(record, candidate, trace, label)
