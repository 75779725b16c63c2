"""The measurement: interleaved rounds over all contenders, one worker running at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crew import Worker, WorkerDied
from shelf.pages import PAGES

BARE = "bare"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: ``processes`` fresh starts of all workers, ``rounds`` in each."""

    processes: int
    rounds: int
    burst_ms: float
    memory_requests: int


@dataclass(slots=True)
class Clocks:
    """µs a request, one entry a round, for each page.

    ``wall_us`` is what the caller waited, ``cpu_us`` what the process computed meanwhile in all
    its threads, ``all_cpu_us`` that and what its threads had to do for these requests afterwards.
    """

    wall_us: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    all_cpu_us: dict[str, list[float]] = field(default_factory=dict)


@dataclass(slots=True)
class Samples:
    """One contender's figures in one mode, beside those of the bare bursts next to its own."""

    mine: Clocks = field(default_factory=Clocks)
    bare: Clocks = field(default_factory=Clocks)
    idle_cpu_us: float = 0.0
    requests: int = 0
    rss_kb: list[int] = field(default_factory=list)
    peak_kb: list[int] = field(default_factory=list)
    threads: int = 0
    seen: str = ""
    problem: str = ""


def measure(
    names: Sequence[str], mode: str, plan: Plan, say: Callable[[str], None]
) -> dict[str, Samples]:
    """Measure the contenders against each other; a failing one keeps its problem as text."""
    samples = {name: Samples() for name in names}
    for generation in range(plan.processes):
        # Fresh processes: where the allocator put things differs from start to start.
        with tempfile.TemporaryDirectory(prefix="perfkit-bench-") as folder:
            workers: dict[str, Worker] = {}
            try:
                _start(workers, samples, mode, Path(folder), say)
                _generation(workers, samples, plan, generation, say)
            finally:
                for worker in workers.values():
                    worker.stop()
    return samples


def _start(
    workers: dict[str, Worker],
    samples: dict[str, Samples],
    mode: str,
    folder: Path,
    say: Callable[[str], None],
) -> None:
    for name, sample in samples.items():
        if sample.problem:
            continue
        say(f"{mode}: starting {name}")
        worker = Worker(name, mode, folder / name.replace(" ", "-"))
        try:
            sample.seen = worker.hello()
        except WorkerDied as death:
            sample.problem = f"did not start: {death}"
            worker.stop()
            continue
        if not sample.seen:
            sample.problem = "was on, and saw nothing of the N+1 page"
        workers[name] = worker


def _generation(
    workers: dict[str, Worker],
    samples: dict[str, Samples],
    plan: Plan,
    generation: int,
    say: Callable[[str], None],
) -> None:
    names = list(workers)
    for number in range(plan.rounds):
        say(f"process {generation + 1} of {plan.processes}, round {number + 1} of {plan.rounds}")
        turn = number % len(names)
        for page in PAGES:
            for name in names[turn:] + names[:turn]:
                if not samples[name].problem:
                    pair = [
                        (workers[name], samples[name].mine),
                        (workers[BARE], samples[name].bare),
                    ]
                    # Bare Django runs right before or right after, in turn: a busy moment of the
                    # machine then falls on both, and cancels out of what the contender adds.
                    for worker, clocks in pair if number % 2 else reversed(pair):
                        _burst(worker, clocks, samples[name], page.name, plan.burst_ms)
    for name in names:
        if not samples[name].problem:
            _memory(workers[name], samples[name], plan.memory_requests)


def _burst(worker: Worker, clocks: Clocks, sample: Samples, page: str, burst_ms: float) -> None:
    if sample.problem:
        return
    requests = min(max(round(burst_ms / 1000 / worker.seconds[page]), 1), 400)
    try:
        answer = worker.ask(do="run", page=page, requests=requests)
    except WorkerDied as death:
        answer = {"error": f"died: {death}"}
    if "error" in answer:
        sample.problem = f"page {page}: {answer['error']}"
        return
    clocks.wall_us.setdefault(page, []).append(answer["wall"] / requests * 1e6)
    clocks.cpu_us.setdefault(page, []).append(answer["cpu"] / requests * 1e6)
    all_cpu = answer["cpu"] + answer["later"]
    clocks.all_cpu_us.setdefault(page, []).append(all_cpu / requests * 1e6)
    if clocks is sample.mine:
        sample.idle_cpu_us += answer["idle"] * 1e6
        sample.requests += requests


def _memory(worker: Worker, sample: Samples, requests: int) -> None:
    """Run the same number of requests in every worker, then note its resident size."""
    for page in PAGES:
        answer = worker.ask(do="run", page=page.name, requests=requests)
        if "error" in answer:
            sample.problem = f"page {page.name}: {answer['error']}"
            return
    answer = worker.ask(do="memory")
    sample.rss_kb.append(answer["VmRSS"])
    sample.peak_kb.append(answer["VmHWM"])
    sample.threads = answer["Threads"]
