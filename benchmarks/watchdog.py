"""Measure what the watchdog's thread costs: CPU seconds of that thread over a stretch of time.

Each scene is a process of its own with the settings at their defaults (``WATCHDOG_SECONDS`` is 10).

    python benchmarks/watchdog.py                  # a minute each
    python benchmarks/watchdog.py --seconds 20     # sooner; a burst of looks weighs more
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

#: The bar: this share of one processor.
MOST = 0.002

SCENES = {
    "idle": "no request runs",
    "busy": "20 threads answer requests of 50 ms, one after another",
    "running": "20 requests run for 4 s each, again and again",
    "one hangs": "1 request hangs all the time",
    "20 hang": "20 requests of 4 routes hang all the time",
    "500 tasks": "500 requests hang on an event loop",
}


#: Of each scene: what is asked, in how many threads, how often one after another.
REQUESTS = {
    "busy": [("/s/0.05/", 20, 1_000_000)],
    "running": [("/s/4/", 20, 1_000_000)],
    "one hangs": [("/s/999/", 1, 1)],
    "20 hang": [(f"/{letter}/999/", 5, 1) for letter in "stuv"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenes; return 1 when one is above the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each scene")
    parser.add_argument("--scene", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.scene:
        _play(options.scene, options.seconds)
    worst = 0.0
    print(f"CPU time of the watchdog's thread within {options.seconds:g} s; bar {MOST:.1%}")
    for scene, told in SCENES.items():
        cpu_s, looks = _measured(scene, options.seconds)
        share = cpu_s / options.seconds
        worst = max(worst, share)
        print(f"{scene:>10}  {cpu_s * 1000:8.2f} ms  {share:.4%}  {looks:4} looks  {told}")
    return worst > MOST


def _measured(scene: str, seconds: float) -> tuple[float, int]:
    command = [sys.executable, __file__, "--scene", scene, "--seconds", str(seconds)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PERFKIT_BENCHMARK_FOLDER": folder}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    cpu_s, looks = done.stdout.split()
    return float(cpu_s), int(looks)


def _play(scene: str, seconds: float) -> NoReturn:
    """Have the requests of one scene, and print the thread's CPU seconds."""
    _configure()
    _ask("/s/0/")
    for url, threads, times in REQUESTS.get(scene, ()):
        for _ in range(threads):
            threading.Thread(target=_ask, args=(url, times), daemon=True).start()
    if scene == "500 tasks":
        threading.Thread(target=asyncio.run, args=(_ask_async(500),), daemon=True).start()

    from perfkit.watchdog import guard  # needs the settings

    (thread,) = [each for each in threading.enumerate() if each.name == guard.THREAD_NAME]
    assert thread.ident is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    before = time.clock_gettime(clock)
    time.sleep(seconds)
    used = time.clock_gettime(clock) - before
    print(used, sum(sample.data["samples"] for sample in guard.end()[0]), flush=True)
    os._exit(0)  # what hangs is left behind


def _ask(url: str, times: int = 1) -> None:
    """Ask for a page under WSGI, so often."""
    from django.core.wsgi import get_wsgi_application  # needs the settings
    from django.test import RequestFactory

    application = get_wsgi_application()
    for _ in range(times):
        b"".join(application(RequestFactory().get(url).environ, lambda *given: None))


async def _ask_async(times: int) -> None:
    """Ask for a page under ASGI, so often at once; the clients stay."""
    from django.core.asgi import get_asgi_application  # needs the settings

    application: Any = get_asgi_application()
    scope = {"type": "http", "method": "GET", "path": "/a/", "query_string": b"", "headers": []}

    async def ask() -> None:
        messages = iter([{"type": "http.request"}])

        async def receive() -> dict[str, Any]:
            return next(messages, None) or await asyncio.get_running_loop().create_future()

        await application(scope, receive, _send)

    await asyncio.gather(*(ask() for _ in range(times)))


async def _send(message: dict[str, Any]) -> None:
    """Take an answer."""


def _configure() -> None:
    import django  # in the scene's process only
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def wait(request: HttpRequest, seconds: str) -> HttpResponse:
        time.sleep(float(seconds))
        return HttpResponse("waited")

    async def wait_async(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(999)
        return HttpResponse("waited")

    folder = Path(os.environ["PERFKIT_BENCHMARK_FOLDER"])
    settings.configure(
        ALLOWED_HOSTS=["*"],
        BASE_DIR=folder,
        INSTALLED_APPS=["perfkit"],
        MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"],
        # Without a flush what was seen waits in the watchdog, where it is counted at the end.
        PERFKIT={"STORE": False, "FLUSH_INTERVAL_SECONDS": 3_600},
        ROOT_URLCONF=__name__,
        SECRET_KEY="of the benchmark only",
    )
    django.setup()
    globals()["urlpatterns"] = [
        *(path(f"{letter}/<str:seconds>/", wait) for letter in "stuv"),
        path("a/", wait_async),
    ]


if __name__ == "__main__":
    sys.exit(main())
