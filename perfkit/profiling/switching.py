"""Has a busy thread let go of the interpreter soon after the sampler wants it, where nobody else pays.

The sampler waits for Python's lock as any thread does. One that computes between short waits lets go of
it at its next wait, before the switch interval of 5 ms is over: it would be seen in its waits alone.
With a short interval it is seen where it is. Threads that compete for the lock would change places as
often, so the interval is only shortened while no other request competes, and set back afterwards.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from time import perf_counter, process_time
from typing import Final

from perfkit.observation import RUNNING

#: Seconds: shorter than what Django computes between two statements, longer than a switch takes.
SHORT_S: Final = 0.00002

#: CPU of the process, as a share of one, below which threads hardly compete.
_QUIET: Final = 0.7
#: Weight of the last look in that share.
_WEIGHT: Final = 0.3


class Switching:
    """The interpreter's switch interval while requests are sampled.

    Attributes:
        is_short: whether it is shortened just now.
    """

    def __init__(self) -> None:
        _restore_in_children()
        self.is_short = False
        self._site_s = 0.0
        self._share = 1.0
        self._at = perf_counter()
        self._used = process_time()

    def adapt(self, captured: int) -> None:
        """Shorten the interval or set it back, by what runs in the process.

        Args:
            captured: requests and blocks that are sampled.
        """
        if len(RUNNING) <= captured or self._busy() < _QUIET:
            self._shorten()
        else:
            self.restore()

    def _busy(self) -> float:
        """Return the CPU that the process has used lately, as a share of one."""
        now, used = perf_counter(), process_time()
        if now > self._at:
            share = (used - self._used) / (now - self._at)
            self._share += (share - self._share) * _WEIGHT
        self._at, self._used = now, used
        return self._share

    def _shorten(self) -> None:
        if not self.is_short:
            self._site_s = sys.getswitchinterval()
            if self._site_s > SHORT_S:
                sys.setswitchinterval(SHORT_S)
                self.is_short = True
                _shortened.append(self)

    def restore(self) -> None:
        """Set the interval back, unless the site has set one of its own meanwhile."""
        if self.is_short:
            self.is_short = False
            _shortened.clear()
            if sys.getswitchinterval() <= SHORT_S * 1.5:
                sys.setswitchinterval(self._site_s)


#: The one that has shortened it: none, or one.
_shortened: list[Switching] = []


@cache
def _restore_in_children() -> None:
    os.register_at_fork(after_in_child=_restore)


def _restore() -> None:
    while _shortened:
        _shortened[0].restore()
