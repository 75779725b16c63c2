"""One contender in one process: reads commands from stdin, answers with JSON lines on stdout."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contender import Contender
from shelf.pages import BOOKS, N_PLUS_ONE, PAGES

Burst = Callable[[str, int], tuple[float, float]]
WARM_UP_S = 0.25


def main() -> None:
    """Set the named contender up, then serve commands until stdin closes."""
    name, mode, folder = sys.argv[1:4]
    # Whatever the contender prints goes to stderr; the pipe to the parent stays clean.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    from roster import ROSTER

    contender = ROSTER[name]()
    burst = _start(contender, mode, Path(folder))
    seconds = {page.name: _warm_up(burst, page.name) for page in PAGES}
    contender.settle()
    contender.tidy()
    burst(N_PLUS_ONE.name, 1)
    hello = {"seconds": seconds, "seen": contender.seen(), "versions": contender.versions()}
    contender.tidy()
    answers.write(json.dumps(hello) + "\n")
    idle_since = time.process_time()
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "memory":
            answers.write(json.dumps(_memory()) + "\n")
            continue
        idle_cpu = time.process_time() - idle_since
        try:
            # The other processes have taken the CPU's caches in the meantime; win them back first,
            # or a process that is asked less often looks slower than bare Django for it.
            requests, warming = command["requests"], max(1, command["requests"] // 2)
            burst(command["page"], warming)
            wall, cpu = burst(command["page"], requests)
            later = time.process_time()
            contender.settle()
            later = (time.process_time() - later) * requests / (warming + requests)
            answer: dict[str, Any] = {"wall": wall, "cpu": cpu, "later": later, "idle": idle_cpu}
        except Exception as error:  # noqa: BLE001 - a contender may fail with anything; it is shown
            answer = {"error": f"{type(error).__name__}: {error}"}
        contender.tidy()
        answers.write(json.dumps(answer) + "\n")
        idle_since = time.process_time()


def _start(contender: Contender, mode: str, folder: Path) -> Burst:
    import django
    from django.conf import settings

    settings.configure(**contender.settings(folder))
    contender.before_setup()
    django.setup()
    contender.after_setup()

    from django.core.management import call_command
    from django.db import connection
    from shelf.models import fill

    connection.ensure_connection()  # Keeps the shared in-memory database alive.
    call_command("migrate", run_syncdb=True, verbosity=0)
    fill(BOOKS)
    return _wsgi_burst() if mode == "wsgi" else _asgi_burst()


def _warm_up(burst: Burst, page: str) -> float:
    """Return the seconds a request takes once caches are filled."""
    burst(page, 3)
    started, requests = time.perf_counter(), 0
    while requests < 3 or time.perf_counter() - started < WARM_UP_S:
        burst(page, 1)
        requests += 1
    return (time.perf_counter() - started) / requests


def _wsgi_burst() -> Burst:
    from django.core.wsgi import get_wsgi_application

    application: Any = get_wsgi_application()
    statuses: list[str] = []
    constant = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_ACCEPT": "text/html",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }

    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        statuses.append(status)

    def burst(page: str, requests: int) -> tuple[float, float]:
        path = f"/sync/{page}/"
        statuses.clear()
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(requests):
            environ = {**constant, "PATH_INFO": path, "wsgi.input": io.BytesIO()}
            response = application(environ, start_response)
            for _part in response:
                pass
            response.close()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        _require_ok([status[:3] for status in statuses], requests)
        return wall, cpu

    return burst


def _asgi_burst() -> Burst:
    from django.core.asgi import get_asgi_application

    application: Any = get_asgi_application()
    loop = asyncio.new_event_loop()
    headers = [(b"host", b"testserver"), (b"user-agent", b"benchmark"), (b"accept", b"text/html")]
    constant = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
    }

    async def serve(path: str, requests: int) -> list[str]:
        statuses = []
        for _ in range(requests):
            first = True

            async def receive() -> dict[str, Any]:
                nonlocal first
                if first:
                    first = False
                    return {"type": "http.request", "body": b"", "more_body": False}
                await asyncio.Event().wait()  # The client never hangs up.
                raise AssertionError("unreachable")

            async def send(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(str(message["status"]))

            await application({**constant, "path": path}, receive, send)
        return statuses

    def burst(page: str, requests: int) -> tuple[float, float]:
        path = f"/async/{page}/"
        cpu, wall = time.process_time(), time.perf_counter()
        statuses = loop.run_until_complete(serve(path, requests))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        _require_ok(statuses, requests)
        return wall, cpu

    return burst


def _require_ok(statuses: list[str], requests: int) -> None:
    if statuses != ["200"] * requests:
        raise RuntimeError(f"{requests} requests were answered with {sorted(set(statuses))}")


def _memory() -> dict[str, int]:
    """Return the process's resident size now and at its peak, in kB (Linux's own counters)."""
    status = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in status)
    return {name: int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM", "Threads")}


if __name__ == "__main__":
    main()
