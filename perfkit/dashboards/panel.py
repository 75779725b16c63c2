"""A graph of the dashboards, and what it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Microseconds to milliseconds, and to seconds.
MS: Final = 0.001
S: Final = 0.000001


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph.

    Attributes:
        title: above it.
        unit: ``percent`` (0 to 100), ``ms``, ``req/s``, ``bytes`` or empty for a bare number.
        targets: Graphite expressions, each for one line or several.
        help: what it tells and what to do about it.
        stacked: lines stand on one another.
        marked: deploys are drawn in.
    """

    title: str
    unit: str
    targets: tuple[str, ...]
    help: str
    stacked: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
