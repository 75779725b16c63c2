"""The few distributions that a comparison needs, without a package for them.

Checked against published tables in ``tests/report/compare/test_distribution.py``.
"""

from __future__ import annotations

from math import comb, exp, inf, lgamma, log, log1p, sqrt

#: Further terms of the continued fraction change nothing that a float can show.
_MOST_TERMS = 300
_TINY = 1e-300
_CLOSE = 1e-13


def t_two_sided(t: float, df: float) -> float:
    """Return how often chance alone gives a Student's t at least this far from zero.

    Args:
        t: the statistic; infinite is allowed.
        df: degrees of freedom, above 0.
    """
    if abs(t) == inf:
        return 0.0
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t))


def t_limit(df: float, level: float) -> float:
    """Return the t that chance alone exceeds, to either side, in a share ``level`` of all cases."""
    low, high = 0.0, 2.0
    while t_two_sided(high, df) > level:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, df) > level else (low, middle)
    return high


def split_two_sided(one: int, other: int, share: float) -> float:
    """Return how often chance splits events at least as unevenly between two windows.

    Each of ``one + other`` events falls into the first window with probability ``share``: the
    exact test of equal rates, given their sum.
    """
    events = one + other
    if not events or not 0.0 < share < 1.0:
        return 1.0
    expected = share * events
    tail = (
        _binomial_tail(events, one, share)
        if one > expected
        else _binomial_tail(events, other, 1 - share)
    )
    return min(2 * tail, 1.0)


def rarest_split(ones: int, others: int) -> float:
    """Return the smallest two-sided p that rearranging this many spans of time can ever give."""
    return min(2 / comb(ones + others, ones), 1.0)


def none_of(present: int, ones: int, others: int) -> float:
    """Return how often chance puts all of ``present`` marked spans among ``ones``, none elsewhere."""
    if present > ones:
        return 0.0
    return comb(ones, present) / comb(ones + others, present)


def _binomial_tail(n: int, k: int, p: float) -> float:
    """Return the probability of at least ``k`` of ``n``."""
    if k <= 0:
        return 1.0
    if n <= 1_000:
        return _incomplete_beta(k, n - k + 1, p)
    # Far beyond a thousand the beta function's terms cancel; the normal is then close enough.
    z = (k - 0.5 - n * p) / sqrt(n * p * (1 - p))
    return t_two_sided(z, 1e9) / 2 if z > 0 else 1.0


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function by its continued fraction."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    # Lentz's method, https://dlmf.nist.gov/8.17#v
    fraction, c, d = 1.0, 1.0, 0.0
    for term in range(_MOST_TERMS):
        m = term // 2
        if term == 0:
            numerator = 1.0
        elif term % 2 == 0:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 + numerator * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + numerator / c
        c = c if abs(c) > _TINY else _TINY
        fraction *= c * d
        if abs(1.0 - c * d) < _CLOSE:
            break
    return front * (fraction - 1.0)
