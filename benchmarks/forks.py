"""Fork a process 10,000 times while it serves and flushes; no child may hang, nothing be lost.

Threads of one process answer requests without a pause, its flusher writes the store every 50 ms, and
its watchdog looks about. Meanwhile it forks. Each child answers one request, writes it into the same
store and ends. A child that has not ended after 10 s hangs. At the end the report must hold each
request once.

Django has locks of its own (asgiref's ``Local``, signals), and a child of a process in which a thread
holds one hangs whether perfkit is there or not. So a fork waits until no thread is within a request,
while perfkit's threads go on; ``--in-the-midst`` does not wait, and ``--without-perfkit`` tells what of
that is Django's own.

    python benchmarks/forks.py
    python benchmarks/forks.py --forks 500 --without-gate     # what happens if a fork does not wait
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

FLUSH_S = 0.05
HANGS_S = 10.0
#: The status of a child that could not write for two seconds, because others did.
_GAVE_UP = 3


class Site:
    """The site in this process, asked without a server."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application
        from django.test import RequestFactory

        self._application = get_wsgi_application()
        self._factory = RequestFactory()

    def ask(self, path: str) -> None:
        environ = self._factory.get(path, SERVER_NAME="127.0.0.1").environ
        response = self._application(environ, lambda *told: None)
        for _ in response:
            pass
        response.close()


class Visitors:
    """Threads that ask for pages until they are stopped."""

    def __init__(self, site: Site, many: int) -> None:
        self.asked = [0] * many
        self.within = [threading.Lock() for _ in range(many)]
        self._site = site
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(turn,)) for turn in range(many)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, turn: int) -> None:
        while not self._stopped.is_set():
            with self.within[turn]:
                self._site.ask("/item/1/")
                self.asked[turn] += 1
            time.sleep(0.002)  # a process that never waits would hardly let the others run


def child(site: Site) -> None:
    """Be a worker that answers one request and ends."""
    from perfkit import pipeline

    status = 1
    try:
        site.ask("/item/2/")
        pipeline.end()
        store = pipeline.sinks().store
        status = _GAVE_UP if store is not None and store.waiting else 0
    except BaseException:  # noqa: BLE001  # printed: the process ends here whatever it was
        traceback.print_exc()
    finally:
        os._exit(status)


class Children:
    """The forked processes that have not ended."""

    def __init__(self) -> None:
        self.hung = self.gave_up = self.failed = 0
        self._born: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._born)

    def add(self, pid: int) -> None:
        self._born[pid] = time.monotonic()

    def look(self) -> None:
        for pid, born in list(self._born.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                self.gave_up += code == _GAVE_UP
                self.failed += code not in (0, _GAVE_UP)
                del self._born[pid]
            elif time.monotonic() - born > HANGS_S:
                self.hung += 1
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del self._born[pid]


def main() -> int:
    """Fork, count, compare; return 0 when nothing hung and nothing was lost."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="perfkit-forks-") as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tiny_site"
        os.environ["BENCHMARK_FOLDER"] = folder
        os.environ["BENCHMARK_FLUSH_S"] = str(FLUSH_S)
        if options.without_gate:
            _remove_the_gate()
        if options.without_perfkit:
            os.environ["PERFKIT_DISABLED"] = "1"
        site, children = Site(), Children()
        site.ask("/")
        visitors = Visitors(site, options.threads)
        began = time.monotonic()
        waits: list[float] = []
        for _ in range(options.forks):
            while len(children) >= options.at_once:
                children.look()
                time.sleep(0.001)
            with ExitStack() as none_within:
                for each in [] if options.in_the_midst else visitors.within:
                    none_within.enter_context(each)
                asked = time.perf_counter()
                pid = os.fork()
                if pid == 0:
                    child(site)
                waits.append(time.perf_counter() - asked)
            children.add(pid)
        while len(children):
            children.look()
            time.sleep(0.01)
        took_s = time.monotonic() - began
        visitors.stop()
        return _tell(options, 1 + sum(visitors.asked), children, waits, took_s)


def _tell(
    options: argparse.Namespace,
    served: int,
    children: Children,
    waits: list[float],
    took_s: float,
) -> int:
    from perfkit import pipeline
    from perfkit.conf import get_settings
    from perfkit.store.read import read

    pipeline.end()
    waits.sort()
    print(f"forks      {options.forks:8,} in {took_s:.0f} s, {options.at_once} children at a time")
    print(f"hung       {children.hung:8,}")
    print(f"failed     {children.failed:8,}")
    print(f"served     {served:8,} by the parent's threads, {options.forks:,} by the children")
    lost = 0
    if not options.without_perfkit:
        stored: Any = read(get_settings().store, 0).window
        lost = served + options.forks - stored.requests
        print(f"reported   {stored.requests:8,}, dropped {dict(stored.dropped)}")
        print(
            f"lost       {lost:8,}, by {children.gave_up} children that found the store locked for 2 s"
        )
    print(
        f"fork() took {waits[len(waits) // 2] * 1000:.1f} ms in the median, "
        f"{waits[int(len(waits) * 0.99)] * 1000:.1f} ms at the 99th percentile, "
        f"{waits[-1] * 1000:.0f} ms at most"
    )
    passed = not children.hung and lost == children.gave_up
    print("PASS" if passed else "FAIL")
    return int(not passed)


def _remove_the_gate() -> None:
    from perfkit import pipeline

    def open_gate() -> AbstractContextManager[None]:
        return nullcontext()

    pipeline.no_fork = open_gate


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--forks", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=4, help="that answer requests meanwhile")
    parser.add_argument("--at-once", type=int, default=2, help="children alive at a time")
    parser.add_argument("--in-the-midst", action="store_true", help="of requests, too")
    parser.add_argument("--without-perfkit", action="store_true")
    parser.add_argument("--without-gate", action="store_true", help="let forks meet writes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
