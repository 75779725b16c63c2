"""Check that no more is lost than promised when workers are killed.

Two gunicorn workers answer keep-alive connections while one of them is killed (``SIGKILL``) every
second and started again. The report must hold every answered request except those which a killed
worker answered within one flush interval before its death, and never one more.

    python benchmarks/kill_workers.py
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATHS = ("/", "/item/1/", "/item/2/", "/statements/", "/refused/")


class Visitors:
    """Keep-alive connections which together send requests at an even pace.

    Args:
        port: where the site answers.
        requests: how many answers are wanted.
        seconds: how long that takes, if the site keeps up.
        connections: how many are open at a time.
    """

    def __init__(self, port: int, requests: int, seconds: float, connections: int) -> None:
        self.port = port
        self.answered: list[tuple[float, int]] = []  # (monotonic seconds, worker's pid)
        self.broken = 0
        self._left = requests
        self._pause_s = seconds * connections / requests
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._visit) for _ in range(connections)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _visit(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        turn = 0
        while self._take():
            due = time.monotonic() + self._pause_s
            turn += 1
            try:
                connection.request("GET", PATHS[turn % len(PATHS)])
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                with self._lock:
                    self.broken += 1
                    self._left += 1
            else:
                pid = int(response.headers["X-Worker-Pid"])
                with self._lock:
                    self.answered.append((time.monotonic(), pid))
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    def _take(self) -> bool:
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            return True


def main() -> int:
    """Run the site, the visitors and the killing; return 0 when the promise was kept."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="perfkit-kill-") as folder:
        environment = _environment(Path(folder), options.flush_interval)
        with _gunicorn(environment) as (master, port):
            visitors = Visitors(port, options.requests, options.seconds, options.connections)
            visitors.start()
            kills = _kill_every(options.kill_every, master, visitors)
        reported = _reported(environment)
    answered = len(visitors.answered)
    allowed = _allowed(visitors.answered, kills, options.flush_interval + options.flush_takes)
    strictly = _allowed(visitors.answered, kills, options.flush_interval)
    missing = answered - reported
    print(f"answered   {answered:7,} (and {visitors.broken} connections cut by a kill)")
    print(f"reported   {reported:7,}")
    print(f"missing    {missing:7,}")
    print(
        f"allowed    {allowed:7,}: answered by a killed worker in the {options.flush_interval:g} s "
        f"(one flush interval) + {options.flush_takes:g} s (a flush's own time) before its death; "
        f"{strictly:,} without the latter"
    )
    print(f"kills      {len(kills):7,}, one every {options.kill_every:g} s")
    passed = 0 <= missing <= allowed and len(kills) > 0
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=40.0, help="time for all requests (40)")
    parser.add_argument("--kill-every", type=float, default=1.0, help="seconds (1)")
    # Ten seconds, the default of perfkit, would outlive every worker: nothing would be proved.
    parser.add_argument("--flush-interval", type=float, default=0.5, help="seconds (0.5)")
    parser.add_argument("--flush-takes", type=float, default=0.25, help="seconds (0.25)")
    parser.add_argument("--connections", type=int, default=8)
    return parser.parse_args()


def _environment(folder: Path, flush_interval_s: float) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
        "DJANGO_SETTINGS_MODULE": "tiny_site",
        "BENCHMARK_FOLDER": str(folder),
        "BENCHMARK_FLUSH_S": str(flush_interval_s),
    }


@contextmanager
def _gunicorn(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Serve the site; yield the master's pid and the port; stop it gracefully."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"]
    # Threads, because gunicorn's sync workers close the connection after each response.
    command += ["--workers", "2", "--worker-class", "gthread", "--threads", "4"]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "critical"]
    process = subprocess.Popen(command, env=environment, cwd=environment["BENCHMARK_FOLDER"])
    try:
        _wait_until(lambda: len(_children(process.pid)) == 2 and _listens(port), "gunicorn")
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _kill_every(seconds: float, master: int, visitors: Visitors) -> list[tuple[float, int]]:
    """Kill the older worker every few seconds while there are visitors; return when and whom."""
    kills: list[tuple[float, int]] = []
    due = time.monotonic() + seconds
    while visitors.busy:
        time.sleep(max(0.0, min(due - time.monotonic(), 0.1)))
        workers = _children(master)
        if time.monotonic() >= due and workers and visitors.busy:
            os.kill(workers[0], signal.SIGKILL)
            kills.append((time.monotonic(), workers[0]))
            due += seconds
    return kills


def _allowed(
    answered: list[tuple[float, int]], kills: list[tuple[float, int]], within_s: float
) -> int:
    """Count the answers a killed worker gave within that time before it was killed."""
    killed = {pid: at for at, pid in kills}
    return sum(pid in killed and at >= killed[pid] - within_s for at, pid in answered)


def _reported(environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "perfkit", "perfreport", "--format", "json"]
    report = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return int(json.loads(report.stdout)["totals"]["requests"])


def _children(pid: int) -> list[int]:
    """Return a process's children, oldest first."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready after 30 s")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
