"""Keeps captures that have ended, in the flusher's thread: what cannot be written waits for a while."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from time import monotonic, time
from typing import Final

from perfkit.isolation import isolated, report_failure
from perfkit.observation import Observation
from perfkit.profiling import awaited
from perfkit.profiling.assembly import assembled
from perfkit.profiling.capture import Capture, Order
from perfkit.profiling.running import RunningCapture
from perfkit.record import RequestRecord

logger = logging.getLogger("perfkit.capture")

#: Captures that wait for a store that cannot be written, and tries of each.
_MOST_WAITING: Final = 8
_MOST_TRIES: Final = 20

#: Writes one capture, for an order or ``""``; False where the order wants no more.
Save = Callable[[Capture, str], bool]
#: Reads the orders that are open at a time in Unix seconds.
Read = Callable[[float], tuple[Order, ...]]


class CaptureKeeper:
    """One worker's side of the stored captures.

    Args:
        save: writes a capture.
        read: reads the open orders.
        every_s: seconds between two looks at the orders, while any are known.
    """

    def __init__(self, save: Save, read: Read, every_s: float) -> None:
        self._save = save
        self._read = read
        self._every_s = every_s
        self._looked_at = monotonic()
        self._waiting: deque[tuple[Capture, str, int]] = deque()
        self._known: tuple[Order, ...] = ()

    def keep(self, observation: Observation, record: RequestRecord) -> None:
        """Keep what was captured of a request, unless its order is for others.

        Args:
            observation: the request.
            record: its record, with queries and findings.
        """
        running = observation.capture
        if not isinstance(running, RunningCapture) or not running.is_wanted:
            return
        running.saved = True
        order = running.order
        if order is not None and not awaited.fits(order, record.route, record.duration_ms):
            awaited.give_up(order)
            return
        capture = assembled(running, record, observation.started)
        self._try(capture, order.id if order is not None else "", 1)

    def keep_made(self, capture: Capture) -> None:
        """Keep a capture that is made already."""
        self._try(capture, "", 1)

    def look(self) -> None:
        """Try again what could not be written, and see what orders are open."""
        self.save_waiting()
        if awaited.OPEN and monotonic() - self._looked_at >= self._every_s:
            self._looked_at = monotonic()
            awaited.know(self._read(time()))

    def learn(self, orders: tuple[Order, ...]) -> None:
        """Know the orders that were read along with a write of the store."""
        if orders is not self._known:
            self._known = orders
            awaited.know(orders)

    def save_waiting(self) -> None:
        """Try again what could not be written."""
        for _ in range(len(self._waiting)):
            self._try(*self._waiting.popleft())

    def _try(self, capture: Capture, order: str, tries: int) -> None:
        try:
            saved = self._save(capture, order)
        except Exception as error:  # noqa: BLE001  # whatever a database raises, the capture waits
            report_failure("capture", error)
            if tries < _MOST_TRIES and len(self._waiting) < _MOST_WAITING:
                self._waiting.append((capture, order, tries + 1))
            else:
                logger.warning("capture %s is lost: the store cannot be written", capture.id)
            return
        if order and not saved:
            awaited.drop(order)
            return
        with isolated("capture"):
            logger.info(
                "capture %s kept for user %s: %s %s, %s",
                capture.id,
                capture.owner or "nobody",
                capture.method or capture.reason,
                capture.name,
                capture.engine,
            )
