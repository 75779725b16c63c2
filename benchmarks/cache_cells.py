"""Predicted beside measured: one cell for each view, cache and timeout, and the sums of all views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cache_backends import Backend
from cache_runs import Ran

from perfkit.caching.columns import Columns
from perfkit.caching.holding import Holding, holding
from perfkit.caching.policy import CACHE_PAGE, Policy
from perfkit.caching.replay import Outcome, Replay

ALL = "all views"


@dataclass(frozen=True, slots=True)
class Cell:
    """One view with one timeout on one cache; hits are of GETs.

    Attributes:
        where, view, timeout_s: which.
        gets: requests.
        hits, saved_s, wrong: predicted, measured.
    """

    where: str
    view: str
    timeout_s: int
    gets: int
    hits: tuple[float, float]
    saved_s: tuple[float, float]
    wrong: tuple[float, float]

    @property
    def ratio(self) -> tuple[float, float]:
        """Hit ratio, predicted and measured."""
        return self.hits[0] / max(self.gets, 1), self.hits[1] / max(self.gets, 1)

    @property
    def off(self) -> float:
        """How far the predicted hit ratio is off."""
        return self.ratio[0] - self.ratio[1]

    @property
    def stale(self) -> tuple[float, float]:
        """Share of hits that say something else, predicted and measured."""
        return self.wrong[0] / max(self.hits[0], 1), self.wrong[1] / max(self.hits[1], 1)

    @property
    def saved_off(self) -> float:
        """Share by which the saved seconds are off; of less than a second nothing is said."""
        measured = self.saved_s[1]
        return (self.saved_s[0] - measured) / measured if abs(measured) >= 1 else 0.0


@dataclass(frozen=True, slots=True)
class Grid:
    """One cache with one timeout.

    Attributes:
        cells: of each view, the sum of all last.
        is_full: whether it cannot hold all.
        memory: bytes, predicted and measured; 0 where they are not measured.
        own_s: what the cache itself takes, predicted and measured, in real seconds.
    """

    cells: list[Cell]
    is_full: bool
    memory: tuple[float, float]
    own_s: tuple[float, float]

    @property
    def whole(self) -> Cell:
        """All views together."""
        return self.cells[-1]


def predicted(
    columns: Mapping[str, Columns], backend: Backend, timeout_s: int, policy: Policy | None = None
) -> Holding:
    """Let the advisor say what would become of all views in one cache."""
    shared, policy = len(set(backend.aliases)) == 1, policy or Policy(CACHE_PAGE)
    routes = [(Replay(each, policy, shared=shared), timeout_s) for each in columns.values()]
    return holding(routes, backend.facts)


def cells(
    where: str,
    timeout_s: int,
    views: Iterable[str],
    outcomes: Iterable[Outcome],
    plain: Ran,
    ran: Ran,
) -> list[Cell]:
    """Put what was predicted beside what was measured; the sum of all views comes last."""
    made = []
    for view, outcome in zip(views, outcomes, strict=True):
        tally, before = ran.views[view], plain.views[view]
        made.append(
            Cell(
                where, view, timeout_s, before.gets,
                (outcome.hits, tally.hits),
                (outcome.saved_ms / 1000, before.view_s - tally.view_s),
                (outcome.wrong, tally.wrong),
            )
        )  # fmt: skip
    return [*made, _whole(where, timeout_s, made)]


def _whole(where: str, timeout_s: int, made: list[Cell]) -> Cell:
    def total(name: str) -> tuple[float, float]:
        pairs = [getattr(cell, name) for cell in made]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    gets = sum(cell.gets for cell in made)
    return Cell(where, ALL, timeout_s, gets, total("hits"), total("saved_s"), total("wrong"))


def grid(
    columns: Mapping[str, Columns], backend: Backend, timeout_s: int, plain: Ran, ran: Ran
) -> Grid:
    """Compare one run on one cache."""
    said = predicted(columns, backend, timeout_s)
    compared = cells(backend.title, timeout_s, columns, said.outcomes, plain, ran)
    hits = sum(outcome.hits for outcome in said.outcomes)
    stores = sum(outcome.stores for outcome in said.outcomes)
    facts = backend.facts
    own_s = (hits * facts.hit_ms + stores * facts.store_ms) / 1000
    held = (said.bytes, backend.most_bytes) if backend.most_bytes else (0.0, 0.0)
    return Grid(compared, said.is_full, held, (own_s, backend.gets[1] + backend.sets[1]))
