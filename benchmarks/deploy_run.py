"""Runs one row: a real server or worker, its load, its end, and what the report then says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from deploy_load import PATIENCE_S, Load, Requests, Tasks
from deploy_servers import HERE, Row

#: Of a run that is killed: its flush interval, and what a flush may take itself.
KILL_INTERVAL_S, FLUSH_TAKES_S = 1.0, 0.25
#: Requests a second until the kill, about: a process that has no time to spare flushes late.
_PACE = 200.0
#: Requests with which a server begins, and after how long without any it has flushed: one that has
#: been up for a while has opened its store before.
WARMING, _FLUSHES_S = 40, 3.0
#: More than are answered before the kill.
_PLENTY = 1_000_000
_PLENTY_OF_TASKS = 3_000


@dataclass
class Outcome:
    """What was seen of one row.

    Attributes:
        sent, reported: requests answered, and requests in the report, of all runs.
        exit_ms, bare_exit_ms: SIGTERM to the server's end, with perfkit and without, of each run.
        flush_ms: what the last flush of each worker took, and that without the time in which
            others had the CPU.
        lost, within: of the run that was killed: answered but not in the report, and answered
            within the last interval.
    """

    sent: int = 0
    reported: int = 0
    exit_ms: list[float] = field(default_factory=list)
    bare_exit_ms: list[float] = field(default_factory=list)
    flush_ms: list[tuple[float, float]] = field(default_factory=list)
    lost: int = 0
    within: int = 0
    problem: str = ""


def measure(row: Row, requests: int, rounds: int) -> Outcome:
    """Run a row several times: to its end by SIGTERM with and without perfkit, and killed."""
    outcome = Outcome()
    try:
        for _ in range(rounds):
            outcome.bare_exit_ms.append(_end(row, requests, Outcome(), disabled=True))
            outcome.exit_ms.append(_end(row, requests, outcome, disabled=False))
        _kill(row, outcome)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        outcome.problem = f"{type(error).__name__}: {error}"
    return outcome


def _end(row: Row, requests: int, outcome: Outcome, *, disabled: bool) -> float:
    """Send so many requests, then a SIGTERM at once; return the milliseconds to the end."""
    with site(interval_s=3_600, disabled=disabled) as environment:
        with running(row, environment, requests, warm=True) as (process, load):
            load.wait()
            if len(load.answered) < requests:
                raise RuntimeError(f"{len(load.answered)} answered: {_log(environment)}")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            took_ms = (time.monotonic() - began) * 1000
        if not disabled:
            outcome.sent += requests + (WARMING if row.serves else 0)
            outcome.reported += reported(environment)
            outcome.flush_ms += _flushes_ms(environment)
        return took_ms


def _kill(row: Row, outcome: Outcome) -> None:
    with site(KILL_INTERVAL_S, disabled=False) as environment:
        plenty = _PLENTY if row.serves else _PLENTY_OF_TASKS
        with running(row, environment, plenty, _PACE) as (process, load):
            wait_until(lambda: len(load.answered) > 20, "busy")
            time.sleep(2.5 * KILL_INTERVAL_S)
            killed = time.monotonic()
            os.killpg(process.pid, signal.SIGKILL)
            load.stop()
        since = killed - KILL_INTERVAL_S - FLUSH_TAKES_S
        outcome.within = sum(at >= since for at in load.answered)
        outcome.lost = len(load.answered) - reported(environment)


@contextmanager
def site(interval_s: float, *, disabled: bool = False) -> Iterator[dict[str, str]]:
    """Make the site's folder; yield the variables of a process of it."""
    with tempfile.TemporaryDirectory(prefix="perfkit-deploy-") as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
            "DJANGO_SETTINGS_MODULE": "deploy_site",
            "BENCHMARK_FOLDER": folder,
            "BENCHMARK_FLUSH_S": str(interval_s),
        }
        if disabled:
            environment["PERFKIT_DISABLED"] = "1"
        yield environment


@contextmanager
def running(
    row: Row,
    environment: dict[str, str],
    requests: int,
    pace: float = 0.0,
    *,
    warm: bool = False,
) -> Iterator[tuple[subprocess.Popen[bytes], Load]]:
    """Start the server and its load; end both, whatever happens."""
    folder = Path(environment["BENCHMARK_FOLDER"])
    port = _free_port()
    load: Load | None = None
    if not row.serves:
        environment["BENCHMARK_TASKS"] = "1"
        for name in ("queue", "control"):
            (folder / name).mkdir()
        load = Tasks(environment, requests)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            row.command(port),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        if row.serves:
            _wait_until_it_listens(port, process, environment)
            if warm:
                Requests(port, WARMING, row.at_once).wait()
                time.sleep(_FLUSHES_S)
            load = Requests(port, requests, row.at_once, row.at_once / pace if pace else 0.0)
        assert load is not None
        yield process, load
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if load is not None:
            load.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_it_listens(
    port: int, process: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"does not start: {_log(environment)}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, "listening")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something, and not for ever."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not {what} after {PATIENCE_S:g} s")
        time.sleep(0.02)


def _log(environment: dict[str, str]) -> str:
    return Path(environment["BENCHMARK_FOLDER"], "log").read_text(errors="replace")[-600:]


def _flushes_ms(environment: dict[str, str]) -> list[tuple[float, float]]:
    """Return the longest of each worker: an end may be told twice."""
    ends = Path(environment["BENCHMARK_FOLDER"], "ends")
    longest: dict[str, tuple[float, float]] = {}
    for line in ends.read_text().splitlines() if ends.exists() else ():
        worker, took_ms, own_ms = line.split()
        longest[worker] = max(longest.get(worker, (0.0, 0.0)), (float(took_ms), float(own_ms)))
    return list(longest.values())


def reported(environment: dict[str, str]) -> int:
    """Ask ``perfreport``, as a user does, how many requests there were; 0 when it has none."""
    command = [sys.executable, "-m", "perfkit", "perfreport", "--format", "json"]
    report = subprocess.run(command, env=environment, capture_output=True, text=True)
    if "no request has been recorded" in report.stderr:
        return 0
    if report.returncode:
        raise RuntimeError(report.stderr[-600:])
    return int(json.loads(report.stdout)["totals"]["requests"])


def typical(figures: Sequence[float]) -> float:
    """Return the median, 0 of nothing."""
    return median(figures) if figures else 0.0
