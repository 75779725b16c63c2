"""What is told of one behavior of a view: how it is visited, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from perfkit.caching.backend import BackendFacts
from tests.caching.behaviors.world import Visit, Visitor, at_random

Visits = Callable[[Random, Sequence[Visitor]], list[Visit]]

#: Requests by which most behaviors are judged, over so many hours.
MANY, HOURS = 360, 2.0

#: Requests by which those are judged that one alone would give away.
FEW = 100


@dataclass(frozen=True)
class Behavior:
    """A behavior under test.

    Attributes:
        number: in the reference's list, or after it.
        view: the view.
        route: its URL pattern.
        visits: who comes when, and asks for what.
        verdicts: any of these is right.
        reasons: have to be among the reasons given.
        attribute: what answers have to be found to hang on.
        timeouts: shortest and longest timeout that is right.
        site: name of the site that it is a page of.
        backend: the cache; Redis without.
    """

    number: int
    view: Any
    route: str
    visits: Visits
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]
    attribute: str | None
    timeouts: tuple[int, int] | None
    site: str
    backend: BackendFacts | None

    @property
    def name(self) -> str:
        """Return a name for the test."""
        return f"{self.number}-{self.view.__name__}"


BEHAVIORS: list[Behavior] = []


def behavior(
    number: int,
    *verdicts: str,
    reasons: Sequence[str] = (),
    attribute: str | None = None,
    timeouts: tuple[int, int] | None = None,
    site: str = "usual",
    route: str | None = None,
    visits: Visits | None = None,
    backend: BackendFacts | None = None,
) -> Callable[[Any], Any]:
    """Put a view on the list; see ``Behavior``. Without ``visits`` all ask for it alike."""

    def add(view: Any) -> Any:
        pattern = route or f"{view.__name__}/"
        BEHAVIORS.append(
            Behavior(
                number,
                view,
                pattern,
                visits or anybody(f"/{view.__name__}/"),
                verdicts,
                tuple(reasons),
                attribute,
                timeouts,
                site,
                backend,
            )
        )
        return view

    return add


def anybody(
    url: str | Callable[[Random], str],
    count: int = MANY,
    hours: float = HOURS,
    only: Callable[[Visitor], bool] = lambda visitor: True,
    **more: Any,
) -> Visits:
    """Return visits of everybody, at random."""

    def visits(rng: Random, people: Sequence[Visitor]) -> list[Visit]:
        return at_random(rng, count, hours, [each for each in people if only(each)], url, **more)

    return visits
