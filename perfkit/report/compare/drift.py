"""What two windows of different times differ by without any change: the drift that goes on in both.

Traffic and load rise and fall over a day, so that the later of two windows is slower for being
later. How a figure drifts shows within both windows, but of one route alone so roughly that hardly
a change could be told from it. Routes of a site drift alike, though: so each one's drift is taken to
be near the common one, as near as the routes themselves are (a random-effects model with the
moments' estimate of DerSimonian and Laird), and what stays in doubt is added to the variance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

from perfkit.report.compare.spans import Swings, growth

#: From fewer routes nobody can tell how alike they are: each is then taken by itself.
_FEWEST: Final = 5
_HOUR_S: Final = 3_600

#: What is fitted to each window: a level and a slope.
FITTED: Final = 2


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much a figure rises in an hour within both windows, as far as one route tells.

    Attributes:
        value: per hour.
        variance: of the value, if each span were independent of the others.
        hours: between the middles of the requests of both windows.
        before, after: the windows' swings around the slope.
    """

    value: float
    variance: float
    hours: float
    before: Swings
    after: Swings


@dataclass(frozen=True, slots=True)
class Drift:
    """What a figure would have changed by anyway, and the variance of that."""

    value: float = 0.0
    variance: float = 0.0


def slope_of(before: Swings, after: Swings) -> Slope:
    """Find the slope that both windows of a route have in common; one of them has several spans."""
    middles = [_middle(window) for window in (before, after)]
    times = [
        {at: at / _HOUR_S - middle for at in window.errors}
        for window, middle in zip((before, after), middles, strict=True)
    ]
    pairs = list(zip((before, after), times, strict=True))
    square = sum(
        window.weights[at] * time * time
        for window, moments in pairs
        for at, time in moments.items()
    )
    value = (
        sum(_alone(window, at) * time for window, moments in pairs for at, time in moments.items())
        / square
    )
    levels = [_around(window, moments, value) for window, moments in pairs]
    pulls = [
        {at: level.errors[at] * moments[at] / square for at in moments}
        for level, moments in zip(levels, times, strict=True)
    ]
    variance = sum(pull * pull for window in pulls for pull in window.values())
    return Slope(value, variance, middles[1] - middles[0], *levels)


def shared(slopes: Sequence[Slope], repeated: Sequence[float]) -> list[Drift]:
    """Return each route's drift between its windows, drawn towards what all have in common.

    Args:
        slopes: of each route.
        repeated: of each route, how many spans tell as much as one independent one.
    """
    slopes = [
        replace(slope, variance=slope.variance * _growth(slope, each))
        for slope, each in zip(slopes, repeated, strict=True)
    ]
    telling = [slope for slope in slopes if slope.variance]
    if len(telling) < _FEWEST:
        return [_drift(slope, slope.value, slope.variance) for slope in slopes]
    between = _between(telling)
    weights = [1 / (slope.variance + between) for slope in telling]
    common = sum(w * slope.value for w, slope in zip(weights, telling, strict=True)) / sum(weights)
    doubt = 1 / sum(weights)
    drifts = []
    for slope in slopes:
        if not slope.variance:  # what never swings does not drift either
            drifts.append(_drift(slope, slope.value, 0.0))
            continue
        own = between / (between + slope.variance)
        variance = own * slope.variance + (1 - own) ** 2 * doubt
        drifts.append(_drift(slope, common + own * (slope.value - common), variance))
    return drifts


def _growth(slope: Slope, repeated: float) -> float:
    return max(growth(window, repeated, FITTED) for window in (slope.before, slope.after))


def _between(slopes: Sequence[Slope]) -> float:
    """Return the variance of the slopes themselves between routes; rather too much than too little."""
    weights = [1 / slope.variance for slope in slopes]
    total = sum(weights)
    mean = sum(w * slope.value for w, slope in zip(weights, slopes, strict=True)) / total
    spread = sum(w * (slope.value - mean) ** 2 for w, slope in zip(weights, slopes, strict=True))
    free = len(slopes) - 1
    scale = total - sum(w * w for w in weights) / total
    return max(spread - free + sqrt(2 * free), 0.0) / scale


def _drift(slope: Slope, value: float, variance: float) -> Drift:
    return Drift(value * slope.hours, variance * slope.hours**2)


def _middle(window: Swings) -> float:
    return sum(weight * at for at, weight in window.weights.items()) / _HOUR_S


def _alone(window: Swings, at: int) -> float:
    """Return a span's weighted distance from the window's figure, with its own part in that."""
    return window.errors[at] * (1 - window.weights[at])


def _around(window: Swings, times: Mapping[int, float], slope: float) -> Swings:
    errors = {
        at: error - slope * times[at] * window.weights[at] / max(1 - window.weights[at], 0.5)
        for at, error in window.errors.items()
    }
    return Swings(window.value, errors, window.weights)
