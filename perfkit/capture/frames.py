"""Reads the local names of a frame without leaving a trace of it."""

from __future__ import annotations

import dis
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

if sys.version_info >= (3, 13):

    def names_of(frame: FrameType) -> Mapping[str, Any]:
        """Return the local names of a frame and what they hold."""
        return frame.f_locals

    def holds_its_names(code: CodeType) -> bool:
        """Tell whether reading the names of this function's frames would change what it holds."""
        return False

else:

    @lru_cache(maxsize=1024)
    def holds_its_names(code: CodeType) -> bool:
        """Tell whether reading the names of this function's frames would change what it holds.

        The dict that it has got from ``locals()`` is refreshed then.
        """
        if {"locals", "vars"}.isdisjoint(code.co_names):
            return False
        return any(
            each.opname in ("LOAD_GLOBAL", "LOAD_NAME") and each.argval in ("locals", "vars")
            for each in dis.get_instructions(code)
        )

    #: The frame's own reference, ours, and that of the count's argument.
    _OURS_ALONE = 3

    def names_of(frame: FrameType) -> Mapping[str, Any]:
        """Return the local names of a frame and what they hold.

        Before Python 3.13 a frame keeps the dict that it gives, and with it what the function
        deletes later. Unless the function holds that dict itself, or a debugger writes it back, it
        is emptied again.
        """
        names = frame.f_locals
        found = dict(names)
        debugged = sys.gettrace() is not None or sys.getprofile() is not None
        if not debugged and sys.getrefcount(names) <= _OURS_ALONE:
            names.clear()
        return found
