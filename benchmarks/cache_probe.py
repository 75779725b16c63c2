"""Time what the cache advisor adds to a request, and what it does with it in the background.

One process asks the same view again and again through Django's own WSGI handler, in bursts that alternate
between advisor on and off, so that a busy machine slows both alike. What the flusher's thread would do is
done between the bursts and timed by itself. Times are the thread's own CPU, medians over the bursts.

Aim: 60 us for a page of 50 kB, the request's own time and the background together; nothing on requests
that are no candidates.

    python benchmarks/cache_probe.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

LINES = [
    f"<li class='item'><a href='/products/{each}/'>Product number {each}</a></li>"
    for each in range(740)
]
BODY = "\n".join(LINES).encode()
AIM_US = 60.0
NUMBER = iter(range(10**9))


def same(request: HttpRequest) -> HttpResponse:
    """Answer 50 kB, the same each time."""
    return HttpResponse(BODY)


def each(request: HttpRequest) -> HttpResponse:
    """Answer 50 kB, other ones each time."""
    return HttpResponse(BODY + str(next(NUMBER)).encode())


def form(request: HttpRequest) -> HttpResponse:
    """Answer 50 kB with a token that is masked, another one each time."""
    token = f'<input name="csrfmiddlewaretoken" value="{next(NUMBER):064}">'
    return HttpResponse(token.encode() + BODY)


def tiny(request: HttpRequest) -> HttpResponse:
    """Answer next to nothing."""
    return HttpResponse(b"ok")


urlpatterns = [path(f"{view.__name__}/", view) for view in (same, each, form, tiny)]

FOLDER = tempfile.TemporaryDirectory()
PERFKIT = {
    "STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{FOLDER.name}/store.sqlite3"},
    "WATCHDOG_SECONDS": None,
}
settings.configure(
    SECRET_KEY="measured",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"],
    PERFKIT=PERFKIT,
    USE_TZ=True,
)
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  # Django is configured above
from django.test.utils import override_settings  # noqa: E402

from perfkit import pipeline  # noqa: E402
from perfkit.analysis import build  # noqa: E402
from perfkit.caching.collector import Collector  # noqa: E402
from perfkit.conf import get_settings  # noqa: E402


class Queue:
    """Stands in for the flusher: keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def submit(self, observation: Any) -> None:
        """Keep one."""
        self.kept.append(observation)

    def start(self) -> None:
        """Start nothing."""

    def hurry(self) -> None:
        """Hurry nothing."""


QUEUE = Queue()
pipeline.flusher = lambda: QUEUE  # type: ignore[assignment, return-value]  # all that is asked of it


class Case(NamedTuple):
    """What is asked for."""

    name: str
    url: str
    method: str = "GET"
    aim_us: float = AIM_US


CASES = (
    Case("50 kB, the same each time", "/same/"),
    Case("50 kB, another each time", "/each/"),
    Case("50 kB with a token", "/form/"),
    Case("next to nothing", "/tiny/"),
    Case("POST, no candidate", "/tiny/", "POST", 1.0),
)


def environ(case: Case, number: int) -> dict[str, Any]:
    """Make a browser's request, of one of forty visitors."""
    return {
        "REQUEST_METHOD": case.method,
        "PATH_INFO": case.url,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": f"10.0.0.{number % 40}",
        "HTTP_HOST": "testserver",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
        "HTTP_COOKIE": f"_ga=GA1.1.{number % 40}.17; theme=dark; sessionid=abcdefgh{number % 40}",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": BytesIO(),
    }


def ask(handler: Callable[..., Any], case: Case, count: int) -> float:
    """Ask so many times, and return the microseconds of one."""
    wanted = [environ(case, number) for number in range(count)]
    started = thread_time()
    for each_one in wanted:
        response = handler(each_one, lambda status, headers: None)
        for _ in response:
            pass
        response.close()
    return (thread_time() - started) / count * 1e6


def considered(collector: Collector, count: int) -> float:
    """Do what the flusher's thread does for the advisor, and return the microseconds of one."""
    kept, QUEUE.kept = QUEUE.kept, []
    records = [(build(each_one), each_one.trace) for each_one in kept]
    started = thread_time()
    for record, trace in records:
        collector.consider(record, trace, lambda event: None)
    return (thread_time() - started) / count * 1e6


def main() -> int:
    """Measure, print, and return 0 when the aims were met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--burst", type=int, default=60)
    options = parser.parse_args()
    handler = WSGIHandler()
    collector = Collector(get_settings())
    collector._probe._sampling = None  # every request is looked at
    print(
        f"us of CPU each, medians of {options.rounds} bursts of {options.burst}; load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':28}{'off':>8}{'on':>8}{'added':>8}{'behind':>8}{'in all':>8}")
    missed = False
    for case in CASES:
        on, off, behind = [], [], []
        for turn in range(options.rounds + 2):
            for is_on in ((True, False), (False, True))[turn % 2]:
                with override_settings(PERFKIT={**PERFKIT, "CACHE_ADVISOR": is_on}):
                    ask(handler, case, 5)
                    QUEUE.kept.clear()
                    spent = ask(handler, case, options.burst)
                    if is_on:
                        on.append(spent)
                        behind.append(considered(collector, options.burst))
                    else:
                        off.append(spent)
                        QUEUE.kept.clear()
        added = median(one - other for one, other in zip(on[2:], off[2:], strict=True))
        every = added + median(behind[2:])
        is_met = every <= case.aim_us
        missed |= not is_met
        print(
            f"{case.name:28}{median(off[2:]):8.1f}{median(on[2:]):8.1f}{added:8.1f}"
            f"{median(behind[2:]):8.1f}{every:8.1f}  {'met' if is_met else 'MISSED'} (aim {case.aim_us:g})",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
