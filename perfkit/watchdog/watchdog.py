"""Looks into requests that run for too long: which ones, when, how often, and when to be silent.

Nothing here starts a thread or sleeps: ``scan`` does what is due and says when it wants to be called
again. A request pays nothing; it is found among those that run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from types import FrameType

from perfkit.isolation import isolated
from perfkit.metrics.sample import Sample
from perfkit.observation import RUNNING, Observation
from perfkit.stacks.threads import Threads
from perfkit.watchdog.look import Look, Looker
from perfkit.watchdog.stall import Name, Stall
from perfkit.watchdog.stalls import Stalls

#: Seconds between two scans while nothing is old enough.
IDLE_S = 1.0
#: When a request is looked into, as shares of the limit: one that reaches it has three looks before.
EARLY = (0.5, 0.75, 0.9, 1.0)
#: Beyond the limit: seconds between two looks.
EVERY_S = 0.25
#: Looks into one request; then there is silence.
MOST_LOOKS = 20
#: Seconds from the limit on after which a route's tree is handed over though requests still hang:
#: a server that kills its workers after 30 seconds must find it written.
LONGEST_STALL_S = 8.0
#: Requests looked into at the same time: of one route, and in all.
MOST_OF_ROUTE = 10
MOST_WATCHED = 100


@dataclass(slots=True)
class _Watch:
    """One request that is looked into."""

    observation: Observation
    name: Name
    next_at: float
    taken: int = 0
    #: The looks before it was too old; afterwards they are in the route's stall.
    early: list[Look] = field(default_factory=list)
    ripe: bool = False
    last: Look | None = None


class Watchdog:
    """The requests that are looked into, and what was seen.

    Args:
        limit_s: age in seconds from which on a request is told of.
        per_hour: samples kept for each route and method in an hour.
        name_of: gives the route and method that a request counts under.
        is_accepted: tells whether the team lives with a route that hangs.
        clock: as the observations' ``started``; seconds.
        tops: the innermost frame of each thread.
    """

    def __init__(
        self,
        limit_s: float,
        per_hour: int,
        name_of: Callable[[Observation], Name],
        is_accepted: Callable[[Name], bool] = lambda name: False,
        clock: Callable[[], float] = perf_counter,
        tops: Callable[[], dict[int, FrameType]] = sys._current_frames,
    ) -> None:
        self._dropped = 0
        self._limit_s = limit_s
        self._name_of = name_of
        self._clock = clock
        self._tops = tops
        self._looker = Looker(clock)
        self._watches: dict[int, _Watch] = {}
        #: The requests that are watched or have been, by id; the start tells a new one of that id.
        self._known: dict[int, float] = {}
        self._stalls = Stalls(per_hour, is_accepted)

    def take(self) -> tuple[list[Sample], int]:
        """Return the samples that were made since the last call, and how many were dropped."""
        samples = self._stalls.samples
        taken = [samples.popleft() for _ in range(len(samples))]
        dropped, self._dropped = self._dropped + self._stalls.dropped, 0
        self._stalls.dropped = 0
        return taken, dropped

    def scan(self) -> float:
        """Do what is due.

        Returns:
            Seconds until the next call.
        """
        if not (RUNNING or self._watches):
            return self._idle_s()
        now = self._clock()
        # A copy is made in one step; the requests' threads come and go meanwhile.
        running = RUNNING.copy()
        self._end_the_ended(running, now)
        next_at = self._begin_the_old(running.values(), now)
        due = [watch for watch in self._watches.values() if watch.next_at <= now]
        if due:
            self._look_into(due, running.values())
        self._hand_over(now)
        if not self._watches:
            self._looker.forget()
        next_at = min([next_at, *(watch.next_at for watch in self._watches.values())])
        return max(min(next_at - now, self._idle_s()), 0.01)

    def finish(self) -> None:
        """Hand over what was seen of requests that still run: the process ends."""
        for stall in self._stalls.growing():
            self._end(stall, self._clock())

    def _idle_s(self) -> float:
        return min(IDLE_S, self._limit_s / 4)

    def _end_the_ended(self, running: dict[int, Observation], now: float) -> None:
        for key, watch in list(self._watches.items()):
            observation = watch.observation
            if running.get(key) is observation and not observation.ended:
                continue
            del self._watches[key]
            age_s = observation.ended - observation.started
            if age_s >= self._limit_s and not watch.ripe:
                self._ripen(watch, now)
            if watch.ripe and (stall := self._stalls.of(watch.name)):
                stall.grow(age_s)
                stall.ended += 1
        if len(self._known) > 2 * len(running) + MOST_WATCHED:
            self._known = {key: self._known[key] for key in running if key in self._known}

    def _begin_the_old(self, running: Iterable[Observation], now: float) -> float:
        """Watch what is old enough; return when the next one will be."""
        first_s = self._limit_s * EARLY[0]
        for observation in running:  # oldest first
            if now - observation.started < first_s:
                return observation.started + first_s
            if self._known.get(id(observation)) == observation.started:
                continue
            self._known[id(observation)] = observation.started
            name = self._name_of(observation)
            if self._is_silent(name, now):
                continue
            if len(self._watches) >= MOST_WATCHED:
                self._dropped += 1
                continue
            self._watches[id(observation)] = _Watch(observation, name, now)
        return now + self._idle_s()

    def _is_silent(self, name: Name, now: float) -> bool:
        """Tell whether enough is known of a route for this hour, or of its requests for now."""
        if self._stalls.is_silent(name, now):
            return True
        return sum(watch.name == name for watch in self._watches.values()) >= MOST_OF_ROUTE

    def _look_into(self, due: list[_Watch], running: Iterable[Observation]) -> None:
        threads = Threads(self._tops)
        # A thread answers one request after another: of its latest only it has the stack.
        latest = {each.thread_id: each for each in running if each.running_task is None}
        for watch in due:
            observation = watch.observation
            watch.taken += 1
            left_thread = latest.get(observation.thread_id, observation) is not observation
            with isolated("watchdog"):
                self._look(watch, threads, left_thread)
            now = self._clock()
            if left_thread and watch.last is None:
                del self._watches[id(observation)]  # nobody answers it: its end was not told
                continue
            if not watch.ripe and now - observation.started >= self._limit_s:
                self._ripen(watch, now)
            if watch.taken < MOST_LOOKS:
                watch.next_at = self._next_look(observation, now)
            else:
                del self._watches[id(observation)]

    def _next_look(self, observation: Observation, now: float) -> float:
        for share in EARLY:
            at = observation.started + share * self._limit_s
            if at > now:
                return at
        return now + EVERY_S

    def _look(self, watch: _Watch, threads: Threads, left_thread: bool) -> None:
        before, watch.last = watch.last, None
        look = watch.last = self._looker.look(watch.observation, threads, before, left_thread)
        if look is None:
            return
        if watch.ripe and (stall := self._stalls.of(watch.name)):
            stall.add(look)
        else:
            watch.early.append(look)

    def _ripen(self, watch: _Watch, now: float) -> None:
        watch.ripe = True
        watch.name = self._name_of(watch.observation)  # before its URL is looked up it has none
        stall = self._stalls.begin(watch.name, watch.observation.started_at, now)
        stall.requests += 1
        for look in watch.early:
            stall.add(look)
        watch.early.clear()

    def _hand_over(self, now: float) -> None:
        """End the trees of which no request is watched any more, or that grew for long enough."""
        growing = self._stalls.growing()
        if growing:
            watched = {watch.name for watch in self._watches.values() if watch.ripe}
            for stall in growing:
                if stall.name not in watched or now - stall.ripe_at >= LONGEST_STALL_S:
                    self._end(stall, now)

    def _end(self, stall: Stall, now: float) -> None:
        for key, watch in list(self._watches.items()):
            if watch.ripe and watch.name == stall.name:
                stall.grow(now - watch.observation.started)
                del self._watches[key]
        self._stalls.end(stall, now)
