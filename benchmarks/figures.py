"""From samples to figures: medians, what each contender adds to bare Django, and ratios."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from rounds import BARE, Samples
from shelf.pages import FIFTY, N_PLUS_ONE, NONE, TEN

FLOOR = "floor"
PERFKIT = "perfkit"
_MORE_STATEMENTS = FIFTY.statements - TEN.statements
_LOOP_STATEMENTS = N_PLUS_ONE.statements - NONE.statements


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds with the smallest and the largest of them."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Added:
    """What a contender adds to bare Django, in µs."""

    request: float
    statement: float
    loop_statement: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One contender in one mode; ``problem`` says why the figures are absent.

    ``wall`` (what the caller waits), ``cpu`` (the same by the CPU's clock) and ``all_cpu`` (with
    the work left to threads) are medians over the rounds; ``best`` is the quickest round's CPU
    time above bare Django's quickest: what is left where other programs disturb the medians.
    """

    name: str
    problem: str
    seen: str
    page_wall_us: dict[str, Spread]
    page_cpu_us: dict[str, Spread]
    wall: Added | None
    cpu: Added | None
    all_cpu: Added | None
    best: Added | None
    idle_cpu_us: float
    rss_mb: float
    peak_mb: float
    threads: int


def figures(samples: dict[str, Samples]) -> list[Figures]:
    """Compute every contender's figures."""
    bare = samples[BARE]
    return [_one(name, sample, bare) for name, sample in samples.items()]


def _one(name: str, sample: Samples, bare: Samples) -> Figures:
    usable = not sample.problem
    return Figures(
        name=name,
        problem=sample.problem,
        seen=sample.seen,
        page_wall_us={page: spread(rounds) for page, rounds in sample.mine.wall_us.items()},
        page_cpu_us={page: spread(rounds) for page, rounds in sample.mine.cpu_us.items()},
        wall=_added(sample.mine.wall_us, sample.bare.wall_us) if usable else None,
        cpu=_added(sample.mine.cpu_us, sample.bare.cpu_us) if usable else None,
        all_cpu=_added(sample.mine.all_cpu_us, sample.bare.all_cpu_us) if usable else None,
        best=_best(sample.mine.cpu_us, sample.bare.cpu_us) if usable else None,
        idle_cpu_us=_idle(sample) - _idle(bare) if usable else 0.0,
        rss_mb=_mb(sample.rss_kb) - _mb(bare.rss_kb) if usable else 0.0,
        peak_mb=_mb(sample.peak_kb) - _mb(bare.peak_kb) if usable else 0.0,
        threads=sample.threads,
    )


def _added(mine: dict[str, list[float]], bare: dict[str, list[float]]) -> Added:
    """Subtract the neighboring bare burst, round by round; return the medians."""
    none, ten, fifty, loop = (
        [a - b for a, b in zip(mine[page.name], bare[page.name], strict=True)]
        for page in (NONE, TEN, FIFTY, N_PLUS_ONE)
    )
    return Added(
        request=median(none),
        statement=median(b - a for a, b in zip(ten, fifty, strict=True)) / _MORE_STATEMENTS,
        loop_statement=median(b - a for a, b in zip(none, loop, strict=True)) / _LOOP_STATEMENTS,
    )


def _best(mine: dict[str, list[float]], bare: dict[str, list[float]]) -> Added:
    none, ten, fifty, loop = (
        min(mine[page.name]) - min(bare[page.name]) for page in (NONE, TEN, FIFTY, N_PLUS_ONE)
    )
    return Added(
        request=none,
        statement=(fifty - ten) / _MORE_STATEMENTS,
        loop_statement=(loop - none) / _LOOP_STATEMENTS,
    )


def spread(values: list[float]) -> Spread:
    """Return the median, smallest and largest of ``values``."""
    return Spread(median(values), min(values), max(values))


def ratio(theirs: float, ours: float) -> float | None:
    """Return how many times ours theirs is; None where ours is too small to divide by."""
    return theirs / ours if ours >= 0.1 else None


def _idle(sample: Samples) -> float:
    return sample.idle_cpu_us / sample.requests if sample.requests else 0.0


def _mb(kilobytes: list[int]) -> float:
    return median(kilobytes) / 1024 if kilobytes else 0.0
