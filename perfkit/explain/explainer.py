"""Collects slow statements and has them explained, a few a minute, in the flusher's thread.

Parameters are held from the end of a request to the next flush, and nowhere else.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from time import time

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.acceptance.accepted import Acceptance
from perfkit.capture.current import FAILED, MANY, Trace
from perfkit.conf import Settings
from perfkit.explain import postgresql, sqlite
from perfkit.explain.connection import opened, read_only
from perfkit.explain.findings import KIND, finding
from perfkit.explain.plain_select import Refused, plain_select
from perfkit.explain.slowest import Slow, Slowest
from perfkit.host import natively
from perfkit.metrics.aggregate import FindingStats, Window
from perfkit.record import Finding, RequestRecord

logger = logging.getLogger("perfkit")

#: Statements explained in a minute at most, the slowest ones.
MOST_A_MINUTE = 10
#: Seconds for which a statement's plan is taken to be known.
AGAIN_S = 3_600
#: Seconds for which a database that could not be asked is left alone.
PAUSE_S = 300
#: Seconds after which no further statement is begun in one flush: requests are waiting to be taken.
DEADLINE_S = 2.0
#: Shapes remembered; a site that writes its own SQL has as many as it likes.
MOST_SHAPES = 500

#: How the vendors that are explained are read.
_READERS = {"postgresql": postgresql.problems, "sqlite": sqlite.problems}


class Explainer:
    """One worker's side of ``EXPLAIN``.

    Args:
        settings: ``slow_query_ms`` and ``ignore`` are read.
        clock: Unix seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time) -> None:
        self._settings = settings
        self._clock = clock
        self._waiting = Slowest(MOST_A_MINUTE)
        #: (alias, shape) -> when its plan was asked for, and what it showed.
        self._known: dict[tuple[str, str], tuple[float, tuple[Finding, ...]]] = {}
        self._paused: dict[str, float] = {}
        self._minute, self._asked = 0, 0
        #: Statements that were not explained since the process began, by reason.
        self.skipped: Counter[str] = Counter()

    def collect(self, trace: Trace, record: RequestRecord, window: Window) -> None:
        """Take the slow reads of a request; those whose plan is known count at once.

        Args:
            trace: of the request, with the parameters.
            record: the same, analyzed.
            window: in which the request was counted.
        """
        slow_ms = self._settings.slow_query_ms
        now = self._clock()
        for event, query in zip(trace.events, record.queries, strict=False):
            if query.duration_ms < slow_ms or query.verb != "SELECT" or event[6] & (MANY | FAILED):
                continue
            asked_at, findings = self._known.get((query.alias, query.shape), (-AGAIN_S, ()))
            if 0 <= now - asked_at < AGAIN_S:
                slow = Slow(query, "", None, record.route, record.method, record.started_at)
                self._add(findings, slow, window)
                continue
            slow = Slow(query, event[0], event[4], record.route, record.method, record.started_at)
            self._waiting.add(slow)

    def run(
        self, window_of: Callable[[float], Window], is_ending: Callable[[], bool] = bool
    ) -> None:
        """Ask for the plans of the slowest statements that wait, and forget all of them.

        Args:
            window_of: returns the window of a time in Unix seconds.
            is_ending: tells whether the process ends and its last flush waits for this.
        """
        deadline = self._clock() + DEADLINE_S

        def goes_on() -> bool:
            return not is_ending() and self._clock() < deadline

        for alias, groups in self._take().items():
            try:
                # SQLite waits for a disk, which greenlets must not wait for.
                natively(self._ask, alias, groups, window_of, goes_on)
            except Refused as reason:
                self._skip(str(reason), window_of, len(groups))
            except Exception as error:  # noqa: BLE001  # its text may hold a value: its name is told
                self._paused[alias] = self._clock()
                self._skip(f"the database failed: {type(error).__name__}", window_of, len(groups))

    def _ask(
        self,
        alias: str,
        groups: list[list[Slow]],
        window_of: Callable[[float], Window],
        goes_on: Callable[[], bool],
    ) -> None:
        with opened(alias) as connection:
            for group in groups:
                if goes_on():
                    self._explain(connection, group, window_of)
                else:
                    self._skip("no time left in this flush", window_of)

    def _take(self) -> dict[str, list[list[Slow]]]:
        """Return what is asked for now, equal shapes together, by alias; the rest is forgotten."""
        now = self._clock()
        if (minute := int(now // 60)) != self._minute:
            self._minute, self._asked = minute, 0
        groups: dict[tuple[str, str], list[Slow]] = {}
        for slow in self._waiting.take():
            if not 0 <= now - self._paused.get(slow.query.alias, -PAUSE_S) < PAUSE_S:
                groups.setdefault((slow.query.alias, slow.query.shape), []).append(slow)
        taken: dict[str, list[list[Slow]]] = {}
        for key in list(groups)[: MOST_A_MINUTE - self._asked]:
            self._asked += 1
            if len(self._known) >= MOST_SHAPES:
                self._known.clear()
            self._known[key] = now, ()
            taken.setdefault(key[0], []).append(groups[key])
        return taken

    def _explain(
        self,
        connection: BaseDatabaseWrapper,
        group: list[Slow],
        window_of: Callable[[float], Window],
    ) -> None:
        slow = group[0]
        query = slow.query
        try:
            select = plain_select(slow.sql, slow.params, connection.vendor)
            with read_only(connection) as cursor:
                shown = list(dict.fromkeys(_READERS[connection.vendor](cursor, select)))
        except Refused as reason:
            self._skip(str(reason), window_of)
            return
        except Exception as error:  # noqa: BLE001  # as in `run`
            self._skip(f"the database failed: {type(error).__name__}", window_of)
            return
        findings = tuple(
            finding(
                each,
                shape=query.shape,
                alias=query.alias,
                site=query.site,
                duration_ms=query.duration_ms,
            )
            for each in shown
        )
        self._known[query.alias, query.shape] = self._clock(), findings
        for each in group:
            self._add(findings, each, window_of(each.at))

    def _add(self, findings: tuple[Finding, ...], slow: Slow, window: Window) -> None:
        """Count findings for one run of their statement, in the window of its request."""
        acceptance = Acceptance(self._settings.ignore, slow.route, slow.method)
        fresh = Window()
        for each in findings:
            if not acceptance.accepts(KIND, each.model, each.path, (slow.query.site,)):
                stats = FindingStats(asdict(each), slow.at)
                stats.requests = stats.count = 1
                stats.cost_ms = slow.query.duration_ms
                stats.routes[f"{slow.method} {slow.route}"] = 1
                fresh.findings[each.fingerprint] = stats
        window.merge(fresh)

    def _skip(self, reason: str, window_of: Callable[[float], Window], statements: int = 1) -> None:
        """Count statements that were not explained; say each reason once."""
        window_of(self._clock()).dropped["explains"] += statements
        if not self.skipped[reason]:
            logger.info("perfkit: a slow statement is not explained: %s", reason)
        self.skipped[reason] += statements
