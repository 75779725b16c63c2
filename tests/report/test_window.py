"""Where a report's window starts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perfkit.report.window import BadOption, parse_since

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("2h", 7_200), ("7d", 604_800), ("1w", 604_800), ("90s", 90), ("1H30m", 5_400)],
)
def test_an_age_counts_back_from_now(text: str, seconds: int) -> None:
    """Units are seconds, minutes, hours, days and weeks, one or several."""
    assert parse_since(text, NOW) == NOW - seconds


def test_an_iso_time_with_an_offset_is_that_moment() -> None:
    """11:00 two hours east of UTC is 09:00."""
    assert parse_since("2026-11-20T11:00+02:00", NOW) == NOW - 3 * 3_600


def test_a_date_begins_at_midnight_of_the_site() -> None:
    """Without an offset a time is one of TIME_ZONE, which Django makes the local one."""
    assert parse_since("2026-11-19", NOW) == datetime(2026, 11, 19).astimezone().timestamp()


def test_all_has_no_start() -> None:
    """`all` is everything in the store."""
    assert parse_since(" ALL ", NOW) is None


@pytest.mark.parametrize("text", ["999999999d", "1900-01-01"])
def test_before_the_epoch_is_the_epoch(text: str) -> None:
    """No store is older."""
    assert parse_since(text, NOW) == 0


@pytest.mark.parametrize(
    "text",
    ["", "15", "15x", "m", "-5m", "2026-13-01", "yesterday", "٣m", "0001-01-01T00:00+14:00x"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    """The message quotes the value and gives examples."""
    with pytest.raises(BadOption, match=r"--since .* is not an age such as 15m, 2h"):
        parse_since(text, NOW)


def test_the_future_is_refused() -> None:
    """A window that begins after now is a slip."""
    with pytest.raises(BadOption, match="lies in the future"):
        parse_since("2026-11-21", NOW)
