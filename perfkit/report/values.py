"""The values of a report's options, checked one by one; each message says what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from perfkit.report.baseline import BadBaseline, Baseline, read
from perfkit.report.window import BadOption

_MOST_ROWS = 1_000_000
_DAY_S = 86_400


def choice(option: str, value: str, allowed: Iterable[str]) -> str:
    """Return the value, which has to be one of those allowed."""
    if value in allowed:
        return value
    near = _nearest(value, allowed)
    raise BadOption(f"{option} {value!r} is not one of {', '.join(allowed)}{near}")


def limit(value: str) -> int:
    """Return how many rows are shown."""
    digits = value.lstrip("0")
    if value.isascii() and value.isdigit() and digits:
        return _MOST_ROWS if len(digits) > len(str(_MOST_ROWS)) else min(int(digits), _MOST_ROWS)
    raise BadOption(f"--limit {value!r} is not a whole number from 1")


def condition(name: str, known: Iterable[str], own_analyzers: bool) -> str:
    """Return a condition of ``--fail-on``.

    Args:
        name: as given.
        known: what perfkit knows.
        own_analyzers: whether there may be kinds of findings that it does not know.
    """
    near = _nearest(name, known)
    # A misspelled kind would never match, and the check in CI always pass.
    if name in known or (own_analyzers and name.isidentifier() and not near):
        return name
    raise BadOption(f"--fail-on {name!r} is not one of {', '.join(known)}{near}")


def file(option: str, given: Any) -> str:
    """Return a file's name, "" where none was given."""
    if given is None:
        return ""
    if not str(given):
        raise BadOption(f"{option} names no file")
    return str(given)


def baseline(given: Any) -> Baseline | None:
    """Read the baseline that was named, if any."""
    named = file("--baseline", given)
    try:
        return read(named) if named else None
    except BadBaseline as error:
        raise BadOption(f"--baseline: {error}") from None


def fingerprint(given: Any) -> str:
    """Return the beginning of a fingerprint, "" where none was given."""
    if given is None:
        return ""
    if not str(given).strip():
        raise BadOption("--explain names no finding: give the beginning of its fingerprint")
    return str(given).strip()


def interval(given: Any) -> float:
    """Return the seconds between two reports, 0.0 where only one was asked for."""
    if given is None:
        return 0.0
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _DAY_S:
        raise BadOption(f"--watch {str(given)!r} is not a number of seconds from 1 to {_DAY_S}")
    return seconds


def _nearest(value: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(value.lower(), list(allowed), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""
