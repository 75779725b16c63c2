"""A real server in a process of its own, on a port of loopback that the system chooses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any

from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.store.read import read

#: Far more than any of this takes; reached only when something hangs.
PATIENCE_S = 60

SETTINGS = "tests.server.site_settings"

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


def environment(
    folder: Path,
    interval_s: float,
    perfkit: Mapping[str, Any] | None = None,
    settings: str = SETTINGS,
) -> dict[str, str]:
    """Return the variables of a process of the test's site.

    Args:
        folder: the site's BASE_DIR.
        interval_s: seconds between two flushes.
        perfkit: further keys of ``PERFKIT``.
        settings: the site's settings module.
    """
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        "DJANGO_SETTINGS_MODULE": settings,
        "PERFKIT_TEST_FOLDER": str(folder),
        "PERFKIT_TEST_INTERVAL": str(interval_s),
        "PERFKIT_TEST_SETTINGS": json.dumps(
            {"FLUSH_INTERVAL_SECONDS": interval_s, **(perfkit or {})}
        ),
    }


class Server:
    """A server that listens as soon as this is made.

    Args:
        folder: the site's BASE_DIR.
        arguments: of ``python -m``; the server chooses its port and logs its address.
        interval_s: seconds between two flushes; by default none comes but at the end.
        perfkit: further keys of ``PERFKIT``.
        settings: the site's settings module.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        interval_s: float = 3_600,
        perfkit: Mapping[str, Any] | None = None,
        settings: str = SETTINGS,
    ) -> None:
        self.folder = folder
        self.environment = environment(folder, interval_s, perfkit, settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=folder,  # what a server leaves beside itself, it leaves there
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.log: list[str] = []
        self.port = self._listening()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _listening(self) -> int:
        hangs = threading.Timer(PATIENCE_S, self.process.kill)
        hangs.start()
        try:
            assert self.process.stderr is not None
            for line in self.process.stderr:
                self.log.append(line)
                if found := _ADDRESS.search(line):
                    return int(found[1])
        finally:
            hangs.cancel()
        raise AssertionError("the server does not listen:\n" + "".join(self.log))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def get(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Ask for a page; read all of it."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, url, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get_all(self, urls: Iterable[str], at_once: int = 4) -> list[tuple[int, bytes]]:
        """Ask for pages, some at the same time."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.get, urls))

    def leave(self, url: str) -> None:
        """Ask for a page, read its first bytes, and go away."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("GET", url)
        assert connection.getresponse().read(4)
        connection.close()

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Tell the server to end, and wait for it."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            self.process.wait(PATIENCE_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._reader.join()
            assert self.process.stderr is not None
            self.process.stderr.close()

    def window(self) -> Window:
        """Read the site's store."""
        store = self.folder / ".perfkit" / "perfkit.sqlite3"
        try:
            return read({"ENGINE": "django.db.backends.sqlite3", "NAME": str(store)}, 0).window
        except StoreError:
            return Window()

    def until_logged(self, words: str) -> None:
        """Wait until the server's log has these words."""
        pause = threading.Event()
        gives_up = monotonic() + PATIENCE_S
        while words not in "".join(self.log):
            assert monotonic() < gives_up, "".join(self.log)
            pause.wait(0.02)

    def workers(self) -> list[int]:
        """Return the server's child processes."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def until(self, told: Callable[[Window], bool]) -> Window:
        """Read the store until it tells something."""
        pause = threading.Event()
        gives_up = monotonic() + PATIENCE_S
        while not told(window := self.window()):
            assert monotonic() < gives_up, (counts(window), "".join(self.log))
            pause.wait(0.05)
        return window

    def report(self) -> dict[str, Any]:
        """Run ``perfreport --format json`` as a user does."""
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "perfreport", "--format", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stderr
        plain: dict[str, Any] = json.loads(done.stdout)
        return plain


def counts(window: Window) -> Counter[str]:
    """Count the requests of each route."""
    return Counter(
        {
            f"{method} {route}": int(stats["requests"])
            for (route, method), stats in window.routes.items()
        }
    )
