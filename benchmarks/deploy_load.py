"""What keeps a server or a worker busy, and knows when each answer came."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

PATHS = ("/", "/item/1/", "/item/2/", "/statements/", "/refused/")
#: Far more than any load takes; reached only when the server is gone.
PATIENCE_S = 60.0


class Load(Protocol):
    """Requests or tasks under way; ``answered`` has the monotonic seconds of each answer."""

    answered: list[float]

    def wait(self) -> None: ...

    def stop(self) -> None: ...


class Requests:
    """Connections that ask for pages until so many were answered, or until told to stop.

    A connection that the server closed is opened anew; what it did not answer counts as not sent.

    Attributes:
        answered: monotonic seconds of each answer.
        took_ms: what each took.
        refused: how many were errors of the site's.
    """

    def __init__(self, port: int, answers: int, at_once: int, pause_s: float = 0.0) -> None:
        self.answered: list[float] = []
        self.took_ms: list[float] = []
        self.refused = 0
        self._pause_s = pause_s
        self.port = port
        self._left = answers
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._gives_up = time.monotonic() + 2 * PATIENCE_S
        self._threads = [threading.Thread(target=self._ask) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        self._stopped.set()
        self.wait()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        turn = 0
        while self._take():
            turn += 1
            began = time.monotonic()
            try:
                connection.request("GET", PATHS[turn % len(PATHS)])
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                with self._lock:
                    self._left += 1
                time.sleep(0.01)
            else:
                with self._lock:
                    self.answered.append(time.monotonic())
                    self.took_ms.append((self.answered[-1] - began) * 1000)
                    self.refused += response.status == 500
                time.sleep(self._pause_s)
        connection.close()

    def _take(self) -> bool:
        if self._stopped.is_set() or time.monotonic() > self._gives_up:
            return False
        with self._lock:
            self._left -= 1
            return self._left >= 0


class Tasks:
    """Tasks for a worker; each leaves a byte in a file when it is done.

    All are sent before there is a worker: where one writes a message while another reads it, kombu's
    broker of files ends the worker.
    """

    def __init__(self, environment: Mapping[str, str], tasks: int) -> None:
        self.answered: list[float] = []
        self._done = Path(environment["BENCHMARK_FOLDER"], "done")
        self._wanted = tasks
        self._stopped = threading.Event()
        send = f"import deploy_tasks\nfor _ in range({tasks}): deploy_tasks.note.delay()"
        subprocess.run([sys.executable, "-c", send], env=dict(environment), check=True)
        self._gives_up = time.monotonic() + PATIENCE_S
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def wait(self) -> None:
        self._thread.join()

    def stop(self) -> None:
        self._stopped.set()
        self.wait()

    def _look(self) -> None:
        while len(self.answered) < self._wanted and time.monotonic() < self._gives_up:
            last = self._stopped.is_set()
            done = self._done.stat().st_size if self._done.exists() else 0
            self.answered += [time.monotonic()] * (done - len(self.answered))
            if last:
                return
            time.sleep(0.005)
