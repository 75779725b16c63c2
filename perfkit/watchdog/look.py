"""One look into one running request: where it is, in which statement, does its loop turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from perfkit.observation import Observation
from perfkit.stacks.locate import BLOCKED_BY, Whereabouts, blocker, entrance, locate
from perfkit.stacks.threads import Threads
from perfkit.watchdog.heartbeat import Heartbeats
from perfkit.watchdog.steps import Steps, steps_of


class Look(NamedTuple):
    """What was seen.

    Attributes:
        steps: the lines of its stack.
        age_s: how long it had been running.
        sql: the statement in flight, with its values; None when none was.
        sql_age_s: how long that had been running, None where that is not known.
        running: whether it ran on its event loop, or as the current greenlet.
        blocked_loop: whether its event loop stood still since the look before.
        streaming: whether its answer had begun.
    """

    steps: Steps
    age_s: float
    sql: str | None = None
    sql_age_s: float | None = None
    running: bool = False
    blocked_loop: bool = False
    streaming: bool = False


class Looker:
    """Looks into requests, and remembers which event loops have been asked for a sign of life.

    Args:
        clock: as the observations' ``started``; seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beats = Heartbeats(clock)

    def look(
        self,
        observation: Observation,
        threads: Threads,
        before: Look | None,
        left_thread: bool = False,
    ) -> Look | None:
        """Look into a request; None when it is nowhere to be seen.

        Args:
            observation: the request.
            threads: all stacks of this moment.
            before: the last look into the same.
            left_thread: whether its thread answers another one by now.
        """
        task = observation.running_task
        # Asked on every look, so that the next one knows.
        blocked = task is not None and self._beats.is_blocked(task.get_loop())
        where = locate(observation, threads, left_thread)
        if where is None:
            return None
        if task is None:
            # A greenlet that runs at one look and at the next has let no other one run.
            blocked = where.running and before is not None and before.running
        stack = where.stack[entrance(where.stack) :]
        if blocked and not where.running:
            stack += [BLOCKED_BY, *blocker(observation, threads)]
        return self._told(observation, where, steps_of(stack), blocked)

    def forget(self) -> None:
        """Drop what is remembered; nothing is looked at."""
        self._beats.forget()

    def _told(
        self, observation: Observation, where: Whereabouts, steps: Steps, blocked: bool
    ) -> Look:
        now = self._clock()
        sql, started = where.statement or (None, None)
        return Look(
            steps,
            now - observation.started,
            sql,
            None if started is None else now - started,
            where.running,
            blocked,
            bool(observation.first_byte),
        )
