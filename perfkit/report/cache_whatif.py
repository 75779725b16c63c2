"""What a log of requests tells of caching, as plain lines and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from perfkit.caching.whatif import WhatIf
from perfkit.report.cache_route import BAR_COLUMNS, bar
from perfkit.report.cache_text import duration
from perfkit.report.wording import counted, percent

#: Paths that are printed; the JSON has all.
_MOST_PATHS: Final = 5


def whatif_lines(told: WhatIf) -> Iterator[str]:
    """Yield the hit ratios of every timeout, and what they do not say."""
    yield (
        f"{counted(told.visits, 'request')} in {told.hours:.1f} h, "
        f"{told.addresses:,} different addresses; "
        f"{counted(told.bad_lines, 'line')} could not be read."
    )
    yield (
        "A log has neither bodies nor costs, so nothing is said here of what may be cached, of what "
        "would be out of date, or of what it would save."
    )
    yield ""
    yield f"  timeout     hits  {'':{BAR_COLUMNS}}  95 % interval  without tracking parameters"
    for timeout, ratio, (low, high), stripped in told.ratios:
        yield (
            f"  {duration(timeout):>7}  {percent(ratio, digits=1):>7}  {bar(ratio):<{BAR_COLUMNS}}  "
            f"{f'{percent(low)} to {percent(high)}':<13}  {percent(stripped, digits=1):>7}"
        )
    yield ""
    yield "  asked for most"
    for path, number in told.common[:_MOST_PATHS]:
        yield f"  {number:>9,}  {path}"


def whatif_json(told: WhatIf) -> dict[str, Any]:
    """Return plain JSON."""
    return {
        "requests": told.visits,
        "bad_lines": told.bad_lines,
        "hours": round(told.hours, 3),
        "addresses": told.addresses,
        "timeouts": [
            {
                "timeout": timeout,
                "hit_ratio": round(ratio, 4),
                "hit_ratio_interval": [round(end, 4) for end in interval],
                "hit_ratio_without_tracking": round(stripped, 4),
            }
            for timeout, ratio, interval, stripped in told.ratios
        ],
        "common": [{"path": path, "requests": number} for path, number in told.common],
        "knows": ["hit_ratio"],
    }
