"""Sums stored windows up: over everything, and for each step of time, in one pass."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

from perfkit.metrics.aggregate import Window


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the search for cycles: rows make none, and a sixth of the time goes into looking."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Merged:
    """Windows of many workers and minutes, merged.

    Args:
        step_s: seconds of a step; None when nobody asks for steps.
    """

    def __init__(self, step_s: int | None) -> None:
        self.first: int | None = None
        self._step_s = step_s
        self._windows: dict[int, Window] = {}
        self._epochs: tuple[int, set[str]] = (0, set())

    def add(self, bucket: int, epoch: str | None, window: Window) -> None:
        """Add a stored window; the buckets ascend."""
        if self.first is None:
            self.first = bucket
        if bucket != self._epochs[0]:
            self._epochs = (bucket, set())
        if epoch is not None:  # rows of one worker each, not folded yet
            self._epochs[1].add(epoch)
        step = bucket // self._step_s * self._step_s if self._step_s else 0
        merged = self._windows.get(step)
        if merged is None:
            merged = self._windows[step] = Window()
            merged.workers = 0
        merged.workers = max(merged.workers, window.workers, len(self._epochs[1]))
        merged.merge(window)

    @property
    def steps(self) -> tuple[tuple[int, Window], ...]:
        """Each step's beginning and sums, ascending; empty when nobody asked for steps."""
        return tuple(sorted(self._windows.items())) if self._step_s else ()

    def total(self) -> Window:
        """Return the sums over everything; the steps keep theirs."""
        total = Window()
        total.workers = 0
        for _, window in sorted(self._windows.items()):
            total.workers = max(total.workers, window.workers)
            total.merge(copied(window) if self._step_s else window)
        return total


def copied(window: Window) -> Window:
    """Copy a window that is to be merged into another: a merge adopts the rows that it lacks."""
    made = copy(window)
    made.routes = {}
    for key, stats in window.routes.items():
        twin = made.routes[key] = copy(stats)
        twin.status = Counter(stats.status)
        twin.duration = copy(stats.duration)
    made.findings = {}
    for fingerprint, finding in window.findings.items():
        other = made.findings[fingerprint] = copy(finding)
        other.routes = Counter(finding.routes)
    return made
