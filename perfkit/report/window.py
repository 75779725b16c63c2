"""Reads the start of a report's time window: ``15m``, ``2h``, ``7d``, an ISO date or time, ``all``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from perfkit.errors import PerfkitError

#: Seconds of each unit.
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)

ALLOWED = "an age such as 15m, 2h, 7d or 1h30m, an ISO date or time, or all"


class BadOption(PerfkitError):
    """An option of a report is wrong; the message says what is allowed."""


def parse_since(text: str, now: float) -> float | None:
    """Return where the window starts, in Unix seconds; None for all data.

    Args:
        text: an age (units s, m, h, d, w), an ISO 8601 date or time, or ``all``. A time without an
            offset is one of the site's ``TIME_ZONE``.
        now: Unix seconds.

    Raises:
        BadOption: it is none of these, or lies in the future.
    """
    given = text.strip()
    if given.lower() == "all":
        return None
    since = _from_age(given.lower(), now) if _AGE.fullmatch(given.lower()) else _from_iso(given)
    if since is None:
        raise BadOption(f"--since {text!r} is not {ALLOWED}")
    if since > now:
        when = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
        raise BadOption(f"--since {text!r} lies in the future ({when}): give {ALLOWED}")
    return since


def _from_age(given: str, now: float) -> float:
    age = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(given))
    return max(now - age, 0.0)


def _from_iso(given: str) -> float | None:
    try:
        # Without an offset it is local time, which Django sets to the site's TIME_ZONE.
        return max(datetime.fromisoformat(given).timestamp(), 0.0)
    except (ValueError, OverflowError, OSError):
        return None
