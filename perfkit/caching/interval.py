"""How sure a figure is: intervals of ratios, and the bound on what was not seen."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, exp, lgamma, log, log1p
from random import Random
from typing import Final

#: Without so much nobody is told that an answer may be shared.
FEWEST_COMPARISONS: Final = 300
FEWEST_KEYS: Final = 20
FEWEST_PRINCIPALS: Final = 30

#: Samples drawn for an interval, and keys drawn from at most: beyond, keys are put together at random
#: into so many blocks, which leaves the spread between them as it is.
_DRAWS: Final = 400
_MOST_BLOCKS: Final = 400


def bound(bad: int, of: int) -> float:
    """Return the upper end of the 95 % interval of a share: Clopper & Pearson, one-sided.

    With none bad it is nearly ``3 / of``, the rule of three.

    Args:
        bad: how many were bad.
        of: how many were looked at.
    """
    if of <= 0 or bad >= of:
        return 1.0
    low, high = bad / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(bad, of, middle) > 0.05:
            low = middle
        else:
            high = middle
    return high


def _at_most(bad: int, of: int, share: float) -> float:
    """Return the chance of at most so many bad ones."""
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 0.0
    if of <= 60:
        return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(bad + 1))
    constant = lgamma(of + 1)
    total = 0.0
    for k in range(bad, -1, -1):
        term = exp(
            constant
            - lgamma(k + 1)
            - lgamma(of - k + 1)
            + k * log(share)
            + (of - k) * log1p(-share)
        )
        total += term
        if term < 1e-15 * total:
            break
    return total


def ratio_interval(keys: Sequence[tuple[float, float]], share: float = 0.95) -> tuple[float, float]:
    """Return the interval of a hit ratio by bootstrap over keys, which are what is independent.

    Args:
        keys: (requests, hits) of each key.
        share: how often the truth is inside.
    """
    if not keys:
        return 0.0, 1.0
    draw = Random(len(keys))  # the same data give the same interval
    blocks = _blocks(keys, draw)
    count = len(blocks)
    if count < 2:
        return _of_one(*blocks[0])
    ratios = []
    for _ in range(_DRAWS):
        chosen = draw.choices(blocks, k=count)
        requests = sum(each[0] for each in chosen)
        ratios.append(sum(each[1] for each in chosen) / requests if requests else 0.0)
    ratios.sort()
    tail = (1 - share) / 2
    return ratios[int(tail * _DRAWS)], ratios[min(int((1 - tail) * _DRAWS), _DRAWS - 1)]


def _blocks(keys: Sequence[tuple[float, float]], draw: Random) -> list[tuple[float, float]]:
    if len(keys) <= _MOST_BLOCKS:
        return list(keys)
    requests, hits = [0.0] * _MOST_BLOCKS, [0.0] * _MOST_BLOCKS
    for total, found in keys:
        block = draw.randrange(_MOST_BLOCKS)
        requests[block] += total
        hits[block] += found
    return list(zip(requests, hits, strict=True))


def _of_one(requests: float, hits: float) -> tuple[float, float]:
    """Return the interval of one key alone, whose requests are taken for independent: Clopper-Pearson."""
    of, good = int(requests), int(hits)
    return 1.0 - bound(of - good, of), bound(good, of)
