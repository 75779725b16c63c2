"""Reads points of a report's time window: ``15m``, ``2h``, ``7d``, an ISO date or time, ``all``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from perfkit.errors import PerfkitError

#: Seconds of each unit.
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)

POINT = "an age such as 15m, 2h, 7d or 1h30m, or an ISO date or time"
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
    if text.strip().lower() == "all":
        return None
    return point("--since", text, now, ALLOWED)


def parse_until(text: str, since: float | None, now: float) -> float:
    """Return where the window ends, in Unix seconds.

    Args:
        text: an age or an ISO 8601 date or time.
        since: where it starts, Unix seconds; None for all data.
        now: Unix seconds.

    Raises:
        BadOption: it is neither, lies in the future, or not after the start.
    """
    until = point("--until", text, now)
    if since is not None and until <= since:
        raise BadOption(f"--until {text!r} is not after --since: give a later {POINT}")
    return until


def point(option: str, text: str, now: float, allowed: str = POINT) -> float:
    """Return a point in time in Unix seconds.

    Args:
        option: whose value it is, for the message.
        text: an age or an ISO 8601 date or time.
        now: Unix seconds.
        allowed: what the option takes, for the message.

    Raises:
        BadOption: it is neither, or lies in the future.
    """
    given = text.strip()
    age = seconds(given)
    at = max(now - age, 0.0) if age is not None else _from_iso(given)
    if at is None:
        raise BadOption(f"{option} {text!r} is not {allowed}")
    if at > now:
        when = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        raise BadOption(f"{option} {text!r} lies in the future ({when}): give {allowed}")
    return at


def seconds(text: str) -> int | None:
    """Return the seconds of ``90m`` or ``1h30m``, None when the text is no such span of time."""
    given = text.strip().lower()
    if not _AGE.fullmatch(given):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(given))


def _from_iso(given: str) -> float | None:
    try:
        # Without an offset it is local time, which Django sets to the site's TIME_ZONE.
        return max(datetime.fromisoformat(given).timestamp(), 0.0)
    except (ValueError, OverflowError, OSError):
        return None
