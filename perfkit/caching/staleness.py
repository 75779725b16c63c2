"""How often content changes, told by looking at it now and then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, expm1, inf, log

from perfkit.caching.columns import Columns


def change_rate(checks: int, changed: int, apart_s: float) -> float:
    """Return changes a second, from looks that lie the same time apart.

    Cho & Garcia-Molina, "Estimating frequency of change" (2003): several changes between two looks
    count once, and the plain share is far too low. The halves keep it finite and nearly unbiased.

    Args:
        checks: how often it was looked at.
        changed: how often it was another than the time before.
        apart_s: seconds between two looks.
    """
    if checks <= 0 or apart_s <= 0:
        return 0.0
    return -log((checks - changed + 0.5) / (checks + 0.5)) / apart_s


def change_rate_of(looks: Sequence[tuple[float, bool]]) -> float:
    """Return changes a second from looks at irregular times: the likeliest rate.

    Args:
        looks: (seconds since the look before, whether it had changed).
    """
    changed = [apart for apart, is_changed in looks if is_changed and apart > 0]
    unchanged_s = sum(apart for apart, is_changed in looks if not is_changed)
    if not changed:
        return 0.0
    if unchanged_s <= 0:
        return inf
    low, high = 0.0, 1.0
    while _left(changed, high) > unchanged_s:
        low, high = high, high * 4
        if high > 1e6:
            return inf
    for _ in range(80):
        middle = (low + high) / 2
        if _left(changed, middle) > unchanged_s:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _left(changed: Iterable[float], rate: float) -> float:
    """Sum t / (e^(rate t) - 1): where it meets the seconds without a change, the rate is likeliest."""
    return sum(apart / expm1(min(rate * apart, 700.0)) if rate else inf for apart in changed)


def stale_share(rate: float, timeout_s: float) -> float:
    """Return the share of hits that are out of date when content changes at a rate, evenly asked for."""
    expected = rate * timeout_s
    if expected < 1e-9:
        return 0.0
    if expected > 700:
        return 1.0
    return 1 - (1 - exp(-expected)) / expected


def looks(columns: Columns, events: Iterable[int]) -> list[tuple[float, bool]]:
    """Return how answers of each address follow one another: seconds apart, and whether they differ."""
    last: dict[int, int] = {}
    found = []
    for event in events:
        url = columns.url[event]
        before = last.get(url)
        if before is not None:
            changed = columns.masked[event] != columns.masked[before]
            found.append((columns.at[event] - columns.at[before], changed))
        last[url] = event
    return found
