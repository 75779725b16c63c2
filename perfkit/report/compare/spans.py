"""One figure over the spans of a window: its value, and how it swings from span to span.

Requests of one minute resemble each other more than those of two days: a busy neighbor or a slow
database makes many of them slow at once. Counted one by one they would promise far more certainty
than they hold. So the unit here is the span of time: a window is cut into about two dozen, and how
much a figure swings between them says how sure it is (a cluster-robust variance, by the jackknife's
weights). Where one span resembles the next, there are fewer independent ones: the variance grows,
and the degrees of freedom shrink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul

#: Nearly a random walk: two dozen spans cannot tell more than this.
_MOST_SERIAL = 0.9
#: From so few nothing can be told about it.
_FEWEST_SERIAL = 5
#: A likeness below this says nothing about how long it lasts.
_TELLING = 0.2
#: Rounds after which the correction of a fit no longer moves.
_ROUNDS = 4
#: Of what spans swing at least this share is left after a fit.
_LEAST_LEFT = 0.1


@dataclass(frozen=True, slots=True)
class Swings:
    """What each span adds to a figure's error, and what each weighs.

    Attributes:
        value: the figure over the whole window.
        errors: start of a span -> its part of the error; the sum of their squares is the variance.
        weights: start of a span -> its share of the requests.
    """

    value: float
    errors: Mapping[int, float]
    weights: Mapping[int, float]


def swings(spans: Mapping[int, tuple[float, float]]) -> Swings:
    """Divide sums of a window, and see how the quotient swings.

    Args:
        spans: start of a span -> (what is summed, what it is divided by); the latter above 0.
    """
    of = sum(count for _, count in spans.values())
    value = sum(total for total, _ in spans.values()) / of
    errors, weights = {}, {}
    for at, (total, count) in spans.items():
        weight = count / of
        weights[at] = weight
        # Without its own part a span would pull the figure towards itself.
        errors[at] = (total - value * count) / of / (1 - weight) if weight < 1 else 0.0
    return Swings(value, errors, weights)


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of a difference, and its degrees of freedom."""

    variance: float
    df: float

    @property
    def error(self) -> float:
        """The standard error."""
        return sqrt(self.variance)


def spread(windows: Sequence[Swings], repeated: float, fitted: int = 1) -> Spread:
    """Return how sure a sum or a difference of windows' figures is.

    Args:
        windows: their swings.
        repeated: how many spans tell as much as one independent one.
        fitted: what was fitted to each window: 1 for a level, 2 for a level and a slope.
    """
    parts = [
        Spread(
            squares(window.errors) * growth(window, repeated, fitted),
            max(_spans(window) / repeated - fitted, 1.0),
        )
        for window in windows
    ]
    variance = sum(part.variance for part in parts)
    if not variance:
        return Spread(0.0, min(part.df for part in parts))
    # Welch and Satterthwaite.
    return Spread(variance, variance**2 / sum(part.variance**2 / part.df for part in parts))


def partners(before: Swings, after: Swings, shift: int) -> Swings:
    """Put the spans of two windows together by the time of day: what happens daily cancels out.

    Args:
        before: the first window's swings.
        after: the second's.
        shift: seconds from a span to its partner.
    """
    moved = {at + shift: error for at, error in before.errors.items()}
    weighed = {at + shift: weight for at, weight in before.weights.items()}
    spans = {*moved, *after.errors}
    return Swings(
        after.value - before.value,
        {at: after.errors.get(at, 0.0) - moved.get(at, 0.0) for at in spans},
        {at: (after.weights.get(at, 0.0) + weighed.get(at, 0.0)) / 2 for at in spans},
    )


def squares(errors: Mapping[int, float]) -> float:
    """Return the variance if each span were independent of the others."""
    return sum(error * error for error in errors.values())


def growth(window: Swings, repeated: float, fitted: int) -> float:
    """Return by what factor a window's variance grows when spans resemble the ones before.

    Twice: the mean of such spans swings more, and they swing less around what was fitted to them
    than around the truth.

    Args:
        window: its swings.
        repeated: how many spans tell as much as one independent one.
        fitted: what was fitted to it.
    """
    lost = fitted * repeated / _spans(window)
    return repeated / max(1 - lost, _LEAST_LEFT)


def _spans(window: Swings) -> float:
    # A busy hour among quiet ones counts for nearly all: fewer spans than there seem to be.
    return 1 / sum(weight * weight for weight in window.weights.values())


def repeats(figures: Sequence[Sequence[Swings]], fitted: int = 1) -> list[float]:
    """Return for each route how many spans tell as much as one independent one.

    Swings that last, under noise that does not: an ARMA(1, 1), by the likeness of neighbors and of
    the next but one. One route's spans tell that so roughly that those routes would stand out of
    which too little is taken. So the mean over all routes is the least for each, and what a route
    shows beyond it counts half.

    Args:
        figures: each route's windows.
        fitted: what was fitted to each window.
    """
    first, second = ([_likeness(windows, lag) for windows in figures] for lag in (1, 2))
    known = [(one, two) for one, two in zip(first, second, strict=True) if None not in (one, two)]
    if not known:
        return [1.0] * len(figures)
    likeness = [sum(each[lag] or 0.0 for each in known) / len(known) for lag in (0, 1)]
    windows = [window for each in figures for window in each if len(window.errors) > _FEWEST_SERIAL]
    spans = sum(len(window.errors) for window in windows) / max(len(windows), 1)
    common, lasting, lost = 1.0, 0.0, 0.0
    for _ in range(_ROUNDS):
        # What was fitted takes some of it away: the more, the more there is.
        lost = fitted * common / spans
        one, two = ((each + lost) / (1 + lost) for each in likeness)
        lasting = min(max(two / max(one, _TELLING), one, 0.0), _MOST_SERIAL)
        common = _repeated(one, lasting)
    own = [
        common if one is None else _repeated((one + lost) / (1 + lost), lasting) for one in first
    ]
    return [max(common, (common + each) / 2) for each in own]


def _repeated(likeness: float, lasting: float) -> float:
    return 1 + 2 * min(max(likeness, 0.0), _MOST_SERIAL) / (1 - lasting)


def _likeness(windows: Sequence[Swings], lag: int) -> float | None:
    """Return how much a span resembles another one; None where there are too few to tell."""
    seen, spans = 0.0, 0
    for window in windows:
        total = squares(window.errors)
        if total and len(window.errors) > _FEWEST_SERIAL:
            series = [window.errors[at] for at in sorted(window.errors)]
            products = sum(map(mul, series, series[lag:]))
            seen += len(series) * products / total
            spans += len(series)
    return seen / spans if spans else None
