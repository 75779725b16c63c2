"""The real statsd and carbon, in processes of a test's own: started, asked, ended."""

from __future__ import annotations

import pickle
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services import FOLDER, service

ROOT = Path(__file__).parents[2]
CONTRIB = ROOT / "contrib" / "graphite"
STATSD = FOLDER / "statsd"
CARBON = FOLDER / "graphite" / "env" / "bin" / "carbon-cache.py"

#: Seconds that a server may take to start or to read what it was sent, on a busy machine.
PATIENCE_S = 120.0

CARBON_CONF = """\
[cache]
STORAGE_DIR = {folder}
LOCAL_DATA_DIR = {folder}/whisper
CONF_DIR = {folder}
LOG_DIR = {folder}
PID_DIR = {folder}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {line}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
CACHE_WRITE_STRATEGY = timesorted
MIN_TIMESTAMP_LAG = {lag}
USE_WHITELIST = True
ENABLE_TAGS = False
CARBON_METRIC_INTERVAL = 0
"""


def wait_for(what: str, ready: Callable[[], bool]) -> None:
    """Wait until something is so; fail the test when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.02)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port of the loopback address that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Statsd:
    """A running statsd: where it takes metrics, and what its admin port says has arrived."""

    def __init__(self, port: int, admin: int) -> None:
        self.port = port
        self._admin = admin

    def ask(self, command: str) -> str:
        """Return the answer to one command."""
        with socket.create_connection(("127.0.0.1", self._admin), PATIENCE_S) as connection:
            connection.sendall(command.encode())
            answer = b""
            while not answer.endswith(b"END\n\n"):
                part = connection.recv(1 << 20)
                if not part:
                    break
                answer += part
        return answer.decode()

    def counters(self) -> dict[str, float]:
        """Return its counters since its last flush."""
        found = re.findall(r"'([^'\n]+)': ([0-9.e+-]+)", self.ask("counters"))
        return {name: float(value) for name, value in found}

    def timers(self) -> dict[str, list[float]]:
        """Return the values of its timers since its last flush, as many as it shows (100)."""
        found = re.findall(r"'([^'\n]+)': \[([^\]]*)\]", self.ask("timers"))
        return {
            name: [float(each) for each in re.findall(r"[0-9][0-9.e+-]*(?=[,\s])", f"{values} ")]
            for name, values in found
        }

    def bad_lines(self) -> int:
        """Return how many lines it could not read since it started."""
        found = re.search(r"bad_lines_seen: (\d+)", self.ask("stats"))
        assert found is not None
        return int(found[1])

    def settle(self) -> None:
        """Wait until it has read all that was sent before: what is sent last is read last."""
        name = f"settled.{time.monotonic_ns()}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(f"{name}:1|g".encode(), ("127.0.0.1", self.port))
        wait_for("statsd to read everything", lambda: name in self.ask("gauges"))


@contextmanager
def running(command: Sequence[str | Path], folder: Path, ports: Sequence[int]) -> Iterator[None]:
    """Run a server until the block ends; it answers at its TCP ports when the block begins."""
    log = folder / f"{Path(command[-1]).stem}.out"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )

    def answers() -> bool:
        if process.poll() is not None:
            pytest.fail(f"{command[0]} ended: {log.read_text(errors='replace')[-2_000:]}")
        return all(_listens(port) for port in ports)

    try:
        wait_for(f"{command[0]} to answer", answers)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def statsd(
    folder: Path,
    *,
    port: int | None = None,
    flush_ms: int = 10**9,
    carbon: int | None = None,
    more: str = "",
) -> Iterator[Statsd]:
    """Run a statsd with the configuration that is shipped.

    Args:
        folder: for its configuration and log.
        port: where it takes metrics; a free one when none is given.
        flush_ms: milliseconds between two flushes; where none is given it never flushes.
        carbon: port of the carbon to which it flushes; None: to nobody.
        more: further keys of the configuration, in JavaScript.
    """
    service("PERFKIT_TEST_STATSD_STILL")  # where it was not installed, skip
    port, admin = port or free_port(socket.SOCK_DGRAM), free_port()
    backends = "[]" if carbon is None else '["./backends/graphite"]'
    config = folder / "statsd.js"
    config.write_text(
        f"Object.assign({(CONTRIB / 'statsd.js').read_text()}, {{address: '127.0.0.1', port: {port},"
        f" mgmt_address: '127.0.0.1', mgmt_port: {admin}, flushInterval: {flush_ms},"
        f" backends: {backends}, graphitePort: {carbon or 2003}, automaticConfigReload: false, {more}}})\n"
    )
    program = STATSD / "node_modules" / "statsd" / "stats.js"
    node = ["node", "--no-deprecation", f"--require={STATSD / 'util-log.js'}", program, config]
    with running(node, folder, [admin]):
        yield Statsd(port, admin)


class Carbon:
    """A running carbon: what it holds, and what it could not read."""

    def __init__(self, folder: Path, port: int, query: int) -> None:
        self.folder = folder
        self.port = port
        self._query = query

    def values(self, names: Sequence[str]) -> dict[str, list[float]]:
        """Return the values that it holds in memory for each of the names that it knows."""
        found: dict[str, list[float]] = {}
        with socket.create_connection(("127.0.0.1", self._query), PATIENCE_S) as connection:
            for first in range(0, len(names), 2_000):
                asked = {"type": "cache-query-bulk", "metrics": list(names[first : first + 2_000])}
                request = pickle.dumps(asked, protocol=2)
                connection.sendall(struct.pack("!L", len(request)) + request)
                (size,) = struct.unpack("!L", _exactly(connection, 4))
                answer = pickle.loads(_exactly(connection, size))  # this test's own server
                for name, points in answer["datapointsByMetric"].items():
                    if points:
                        found[name] = [value for _, value in points]
        return found

    def complaints(self) -> list[str]:
        """Return the lines of its logs about what it could not read."""
        told = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return [
            line
            for log in told
            for line in log.read_text(errors="replace").splitlines()
            if re.search("invalid|rror", line)
        ]


@contextmanager
def carbon(folder: Path, *, writes: bool = False) -> Iterator[Carbon]:
    """Run a carbon that keeps a minute of each series, or only holds it in memory.

    Args:
        folder: for its configuration, logs and files.
        writes: whether it makes files.
    """
    service("PERFKIT_TEST_CARBON")
    ports = {name: free_port() for name in ("line", "pickle", "query")}
    lag = 0 if writes else 10**6
    (folder / "carbon.conf").write_text(CARBON_CONF.format(folder=folder, lag=lag, **ports))
    (folder / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 1s:1m\n")
    for name in ("storage-aggregation.conf", "blacklist.conf"):
        shutil.copy(CONTRIB / name, folder / name)
    command = [CARBON, f"--config={folder / 'carbon.conf'}", "--nodaemon",
               f"--pidfile={folder / 'carbon.pid'}", "start"]  # fmt: skip
    with running(command, folder, list(ports.values())):
        yield Carbon(folder, ports["line"], ports["query"])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError("carbon closed the connection")
        parts += part
    return parts
