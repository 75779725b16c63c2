"""How figures and foreign text read in a report: units, plurals, nothing that moves a cursor."""

from __future__ import annotations

import re
from datetime import UTC, datetime

#: A list of columns longer than this says nothing that the tables do not.
_LONGEST_COLUMNS = 48
_LONGEST_SHAPE = 320
_SELECT = re.compile(r"^\s*SELECT (?:DISTINCT )?")
#: A parenthesis, or the FROM that ends the list of columns when none is open.
_COLUMNS_END = re.compile(r"\(|\)| FROM ")

_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1_000.0, 60_000.0, 3_600_000.0


def duration(ms: float) -> str:
    """Write milliseconds with the unit that fits: ``3.2 ms``, ``46.3 s``, ``12.5 min``, ``3.1 h``."""
    if ms < _SECOND_MS:
        return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms" if ms >= 0.1 else f"{ms:.2g} ms"
    if ms < 100 * _SECOND_MS:
        return f"{ms / _SECOND_MS:.1f} s"
    if ms < 100 * _MINUTE_MS:
        return f"{ms / _MINUTE_MS:.1f} min"
    return f"{ms / _HOUR_MS:,.1f} h"


def milliseconds(value: float) -> str:
    """Write milliseconds for a column that names the unit: one decimal below ten."""
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def figure(value: float | None) -> str:
    """Write a mean or a count: one decimal where it tells something; a dash when not known."""
    if value is None:
        return "–"
    if value < 99.95 and round(value, 1) != round(value):
        return f"{value:.1f}"
    return f"{value:,.0f}"


def percent(share: float | None, digits: int = 0) -> str:
    """Write a share, 0 to 1, as percent; a dash when not known."""
    if share is None:
        return "–"
    if not digits and 0 < share < 0.01:
        return "<1 %"
    return f"{share * 100:.{digits}f} %"


def counted(number: float, noun: str) -> str:
    """Write a number and its noun: ``1 request``, ``1,212 requests``."""
    told = figure(number)
    return f"{told} {noun}" + ("" if told == "1" else "s")


def size(count: int) -> str:
    """Write bytes with the unit that fits."""
    if count < 1_000_000:
        return f"{count / 1_000:,.0f} kB"
    return f"{count / 1_000_000:,.1f} MB"


def age(seconds: float) -> str:
    """Write a time span roughly, with one unit: ``40 s``, ``12 min``, ``3 h``, ``5 days``."""
    seconds = max(seconds, 0)
    for most, unit_s, unit in ((100, 1, "s"), (6_000, 60, "min"), (172_800, 3_600, "h")):
        if seconds < most:
            return f"{round(seconds / unit_s)} {unit}"
    return f"{round(seconds / 86_400)} days"


def moment(at: float, zone: str = " %Z") -> str:
    """Write a point in time in the site's time zone; ``zone`` "" leaves its name off."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime(f"%Y-%m-%d %H:%M{zone}")


def printable(text: str) -> str:
    r"""Escape what a terminal would obey or cannot show: ``\x1b``, line ends, bidi marks, surrogates.

    Route labels and file names may hold what a visitor sent.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def shortened(shape: str) -> str:
    """Return a statement's shape without a long list of columns, and cut where it is endless."""
    select = _SELECT.match(shape)
    end = _end_of_columns(shape)
    if select and end - select.end() > _LONGEST_COLUMNS:
        shape = f"{select[0]}…{shape[end:]}"
    if len(shape) > _LONGEST_SHAPE:
        return f"{shape[:_LONGEST_SHAPE]} … ({len(shape):,} characters)"
    return shape


def _end_of_columns(shape: str) -> int:
    """Find the FROM that belongs to the first SELECT, past those of subqueries; -1 for none."""
    depth = 0
    for match in _COLUMNS_END.finditer(shape):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
        elif depth == 0:
            return match.start()
    return -1
