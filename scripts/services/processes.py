"""Run a server in the background: a port of its own that it keeps, a pid file, a log, and an end that is waited for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scripts.services import FOLDER

START_S = 30
STOP_S = 10
POLL_S = 0.05


def port(name: str, kind: int = socket.SOCK_STREAM) -> int:
    """Return the loopback port of a name: a free one when it is asked for first, then always the same.

    Args:
        name: of the port; the folder keeps it in a file of that name.
        kind: SOCK_STREAM for TCP, SOCK_DGRAM for UDP.
    """
    file = FOLDER / "ports" / name
    if file.exists():
        return int(file.read_text())
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{chosen}\n")
    return chosen


def pid_file(name: str) -> Path:
    return FOLDER / f"{name}.pid"


def log_file(name: str) -> Path:
    return FOLDER / f"{name}.log"


def _started_at(pid: int) -> str | None:
    """Return when a process was started, in ticks since the boot: with the pid it names one process for good."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else fields[18]


def running(name: str) -> int | None:
    """Return the pid of the server of that name while it lives; a later process with its pid is not it."""
    try:
        pid, started_at = pid_file(name).read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _started_at(int(pid)) == started_at else None


def spawn(
    name: str,
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> None:
    """Start a server, unless it runs, and wait until it answers.

    Args:
        name: of its pid file and its log.
        command: the program and its arguments; it must stay in the foreground.
        ready: tells whether it answers.
        cwd: where it runs; FOLDER when none is given.
        environment: what its environment has besides this process's own.
        user: the system user it runs as, where this one may choose.

    Raises:
        RuntimeError: it ended, or did not answer within START_S, with the end of its log; or another server has its port.
    """
    if running(name) is None:
        if ready():
            raise RuntimeError(
                f"something else answers where {name} is to run: delete {FOLDER / 'ports'}, and other ports are chosen"
            )
        log = log_file(name)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd or FOLDER,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
            )
        pid_file(name).write_text(f"{process.pid} {_started_at(process.pid)}\n")
    deadline_s = time.monotonic() + START_S
    while not ready():
        if running(name) is None or time.monotonic() > deadline_s:
            stop(name)
            tail = log_file(name).read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"{name} does not answer; the end of {log_file(name)}:\n{tail}")
        time.sleep(POLL_S)


def stop(name: str, how: int = signal.SIGTERM) -> None:
    """End a server and what it started, and wait for it; it is killed when it has not gone after STOP_S.

    Args:
        name: that it was started under.
        how: the signal that asks it to go.
    """
    pid = running(name)
    for number in (how, signal.SIGKILL):
        if pid is None or running(name) != pid:
            break
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline_s = time.monotonic() + STOP_S
        while running(name) == pid and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
    pid_file(name).unlink(missing_ok=True)


def answers(number: int) -> bool:
    """Tell whether something listens on a TCP port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", number)) == 0
