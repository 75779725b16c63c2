"""Reads ``--warning`` and ``--critical``: ``p95=500,errors=1%,n_plus_one=0``, with the plugins' ranges.

A range is as the Monitoring Plugins' guidelines have it: ``10`` alarms above 10 and below 0, ``10:``
below 10, ``~:10`` above 10, ``10:20`` outside, ``@10:20`` inside
(https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf
from typing import Any, Final

from perfkit.conf import FINDING_KINDS
from perfkit.report.window import BadOption

#: What can be watched besides kinds of findings -> its unit: "ms", "s", "%" or "".
MEASURES: Final[Mapping[str, str]] = {
    "requests": "",
    "errors": "%",
    "mean": "ms",
    "p50": "ms",
    "p95": "ms",
    "p99": "ms",
    "db": "%",
    "statements": "",
    "duplicates": "",
    "apdex": "",
    "age": "s",
    "findings": "",
}
#: The same with the findings, which are counted.
FIGURES: Final[Mapping[str, str]] = {**MEASURES, **dict.fromkeys(FINDING_KINDS, "")}

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(
    rf"(?P<inside>@)?(?:(?P<low>~|{_NUMBER})?(?P<colon>:))?(?P<high>{_NUMBER})?", re.ASCII
)
ALLOWED: Final = "a range such as 500, 10:, 10:20, ~:20 or @10:20"


@dataclass(frozen=True, slots=True)
class Range:
    """Values that raise an alarm: those outside of two ends, or with ``inside`` those within.

    ``text`` is as performance data has it: without a unit.
    """

    text: str
    low: float
    high: float
    inside: bool = False

    def alarms(self, value: float) -> bool:
        """Tell whether a value raises the alarm."""
        return (self.low <= value <= self.high) == self.inside


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The ranges by the name of their figure, in the order given."""

    warning: Mapping[str, Range] = field(default_factory=dict)
    critical: Mapping[str, Range] = field(default_factory=dict)


def parse(warning: Any, critical: Any) -> Thresholds:
    """Read both options.

    Args:
        warning: a text or several; None for none.
        critical: the same.

    Raises:
        BadOption: a figure is not known, or a range cannot be read.
    """
    return Thresholds(_ranges("--warning", warning), _ranges("--critical", critical))


def _ranges(option: str, given: Any) -> dict[str, Range]:
    texts: Iterable[Any] = () if given is None else (given,) if isinstance(given, str) else given
    found: dict[str, Range] = {}
    for pair in (pair.strip() for text in texts for pair in str(text).split(",")):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if name not in FIGURES:
            near = get_close_matches(name, FIGURES, n=1, cutoff=0.7)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadOption(f"{option} {pair!r} is not one of {', '.join(FIGURES)}{hint}")
        if not equals:
            raise BadOption(f"{option} {pair!r} has no limit: give {name}=RANGE, {ALLOWED}")
        found[name] = _range(option, name, value)
    return found


def _range(option: str, name: str, value: str) -> Range:
    unit = FIGURES[name]
    plain = value.replace(unit, "") if unit else value
    match = _RANGE.fullmatch(plain)
    if not plain or match is None or plain in ("@", ":", "@:"):
        raise BadOption(f"{option} {name}={value!r} is not {ALLOWED}")
    low = {"~": -inf, None: 0.0}.get(match["low"])
    if low is None:
        low = float(match["low"])
    high = inf if match["high"] is None else float(match["high"])
    if low > high:
        raise BadOption(f"{option} {name}={value!r}: the range ends before it begins")
    return Range(plain, low, high, inside=bool(match["inside"]))
