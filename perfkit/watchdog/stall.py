"""What was seen of the requests of one route that ran for too long: one tree, one sample."""

from __future__ import annotations

from collections import Counter
from typing import Any

from perfkit.metrics.sample import STALL, Sample
from perfkit.stacks.statement import masked
from perfkit.watchdog.look import Look
from perfkit.watchdog.tree import StackTree

#: Route and method.
Name = tuple[str, str]


class Stall:
    """The looks into requests of one route, from the first that was too old on.

    Args:
        name: the route and the method.
        began: when the request began that made it, Unix seconds.
        ripe_at: seconds of the watchdog's clock.
    """

    def __init__(self, name: Name, began: float, ripe_at: float) -> None:
        self.name = name
        self.began = began
        self.ripe_at = ripe_at
        self.requests = self.ended = 0
        self.looks = 0
        self.age_s = 0.0
        self.tree = StackTree()
        self._places: Counter[str] = Counter()
        self._statement: tuple[str, float | None] | None = None
        self._blocked_loop = self._streaming = False

    def add(self, look: Look) -> None:
        """Take one look."""
        self.looks += 1
        self.grow(look.age_s)
        self.tree.add(look.steps.lines)
        if place := look.steps.own or "".join(look.steps.lines[-1:]):
            self._places[place] += 1
        self._blocked_loop = self._blocked_loop or look.blocked_loop
        self._streaming = self._streaming or look.streaming
        if look.sql is not None:
            known = self._statement
            if known is None or (look.sql_age_s or 0.0) >= (known[1] or 0.0):
                self._statement = (look.sql, look.sql_age_s)

    def grow(self, age_s: float) -> None:
        """Note how long one of the requests has run, in seconds."""
        self.age_s = max(self.age_s, age_s)

    @property
    def has_ended(self) -> bool:
        """Whether none of the requests still runs, as far as was looked."""
        return self.ended >= self.requests

    def to_sample(self) -> Sample:
        """Return what is kept of it; no value of the site's is in it."""
        statement = None
        if self._statement is not None:
            sql, age_s = self._statement
            statement = {"text": masked(sql), "age_s": None if age_s is None else round(age_s, 3)}
        data: dict[str, Any] = {
            "age_s": round(self.age_s, 3),
            "requests": self.requests,
            "ended": self.has_ended,
            "samples": self.looks,
            "statement": statement,
            "blocked_loop": self._blocked_loop,
            "streaming": self._streaming,
            "tree": self.tree.to_json(),
        }
        return Sample(STALL, *self.name, self.began, round(self.age_s, 3), data)

    def describe(self) -> str:
        """Say in one line, for the log, what was seen; no value of the site's is in it."""
        route, method = self.name
        told = f"{method} {route} hung for {self.age_s:.1f} s"
        if not self.has_ended:
            told += " so far"
        if self.requests > 1:
            told += f" ({self.requests} requests)"
        for place, _ in self._places.most_common(1):
            told += f", in {place}"
        if self._statement is not None:
            age_s = self._statement[1]
            told += ", in a statement" + (f" for {age_s:.1f} s" if age_s is not None else "")
        if self._blocked_loop:
            told += ", its event loop blocked"
        return told
