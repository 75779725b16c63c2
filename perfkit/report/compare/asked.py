"""Reads the value of ``--compare``: ``2d..1d``, ``8d/1d..1d/1d``, ``deploy``, ``deploy:v1.2``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfkit.report.compare.model import Side
from perfkit.report.window import POINT, BadOption, point, seconds

ALLOWED: Final = (
    "two windows such as 2d..1d, 8d/1d..1d/1d or 2026-11-20..2026-11-21, or deploy, or deploy:NAME"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, checked as far as it can be without the store.

    Attributes:
        text: as given.
        sides: the windows; None with ``mark``.
        mark: the deploy's name, "" for the latest; None with ``sides``.
        end: where the later window ends at most, Unix seconds.
        now: Unix seconds.
    """

    text: str
    sides: tuple[Side, Side] | None
    mark: str | None
    end: float
    now: float


def parse(text: str, end: float, now: float) -> Asked:
    """Read the value of ``--compare``.

    Args:
        text: as given.
        end: where a window without an end ends, Unix seconds.
        now: Unix seconds.

    Raises:
        BadOption: it is none of what is allowed.
    """
    given = text.strip()
    word, _, name = given.partition(":")
    if word == "deploy":
        return Asked(text, None, name.strip(), end, now)
    one, dots, other = given.partition("..")
    if not dots or not (one or other):
        raise BadOption(f"--compare {text!r} is not {ALLOWED}")
    start, length = _side(one, now)
    later, later_length = _side(other, now)
    if later is None:
        # The later half, where nothing says how long the earlier one is.
        begun = start or 0.0
        later = begun + length if length else (begun + end) / 2
    until = min(later + later_length, end) if later_length else end
    if start is None:
        start = later - (until - later)
    before = Side(max(start, 0.0), start + length if length else later)
    if not before.start < before.end <= later < until:
        raise BadOption(
            f"--compare {text!r}: the first window must end before the second begins: give {ALLOWED}"
        )
    return Asked(text, (before, Side(later, until)), None, end, now)


def _side(text: str, now: float) -> tuple[float | None, float]:
    """Return where a window starts, None where not said, and its length, 0 where not said."""
    if not text.strip():
        return None, 0.0
    start, slash, given = text.partition("/")
    length = seconds(given) if slash else 0
    if length is None or (slash and not length):
        raise BadOption(f"--compare: the length {given!r} is not a time such as 15m, 2h or 1d")
    return point(
        "--compare", start, now, f"{POINT}, with a length such as /2h where wanted"
    ), length
