"""The caches that are compared: what they are, how much they hold, and a Redis whose clock is virtual."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from perfkit.caching.backend import BackendFacts, backend_facts

MANY = 10**9
WORKERS = 16
_LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
_FILE = "django.core.cache.backends.filebased.FileBasedCache"


class VirtualRedis(RedisCache):
    """Redis, but for the server's clock: entries run out by virtual time, when ``expire`` is called."""

    due: list[tuple[float, str]] = []
    ends: dict[str, float] = {}

    def set(self, key: Any, value: Any, timeout: Any = 300, version: Any = None) -> None:
        self.expire()
        super().set(key, value, None, version)
        ends = time.time() + timeout
        self.ends[key] = ends
        heappush(self.due, (ends, key))

    def expire(self) -> None:
        """Remove what has run out, as the server would have."""
        now = time.time()
        while self.due and self.due[0][0] <= now:
            ends, key = heappop(self.due)
            if self.ends.get(key) == ends:
                self.delete(key)

    def clear(self) -> Any:
        self.due.clear()
        self.ends.clear()
        return super().clear()


@dataclass
class Backend:
    """A cache to run on.

    Attributes:
        title: as it is shown.
        aliases: the cache of each worker.
        facts: what the advisor makes of it.
        held: asks it how many bytes it holds; None where that says nothing.
        look_every: so many requests.
        most_bytes: when it held most.
        gets, sets: calls, and the real seconds they took.
    """

    title: str
    aliases: list[str]
    facts: BackendFacts
    held: Callable[[], float] | None = None
    look_every: int = 10
    most_bytes: float = 0.0
    gets: list[float] = field(default_factory=lambda: [0, 0.0])
    sets: list[float] = field(default_factory=lambda: [0, 0.0])
    _asked: int = 0

    def before(self) -> None:
        """Be called before each request."""
        cache: Any = caches[self.aliases[0]]
        if isinstance(cache, VirtualRedis):
            cache.expire()
        self._asked += 1
        if self.held is not None and self._asked % self.look_every == 0:
            self.most_bytes = max(self.most_bytes, self.held())

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count the calls of the cache, and what they really take; look at what it holds at the end."""
        kind: Any = type(caches[self.aliases[0]])
        self.most_bytes, self.gets, self.sets = 0.0, [0, 0.0], [0, 0.0]
        with ExitStack() as stack:
            for name, sums in (("get", self.gets), ("set", self.sets)):
                stack.callback(setattr, kind, name, getattr(kind, name))
                setattr(kind, name, _timed(getattr(kind, name), sums))
            yield
        if self.held is not None:
            self.most_bytes = max(self.most_bytes, self.held())


def _timed(call: Any, sums: list[float]) -> Any:
    def timed(*arguments: Any, **named: Any) -> Any:
        started = perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            sums[0] += 1
            sums[1] += perf_counter() - started

    return timed


def configured(folder: Path, redis: str | None) -> dict[str, dict[str, Any]]:
    """Return ``CACHES``: of LocMemCache one for each worker."""

    def of(backend: str, location: object, most: int) -> dict[str, Any]:
        options = {"MAX_ENTRIES": most}
        return {"BACKEND": backend, "LOCATION": str(location), "OPTIONS": options}

    made = {"default": of(_LOCMEM, "default", MANY)}
    for worker in range(WORKERS):
        made[f"unlimited{worker}"] = of(_LOCMEM, f"u{worker}", MANY)
        made[f"usual{worker}"] = of(_LOCMEM, f"d{worker}", 300)
    made["file"] = of(_FILE, folder / "many", MANY)
    made["file300"] = of(_FILE, folder / "few", 300)
    if redis is not None:
        made["redis"] = {"BACKEND": "cache_backends.VirtualRedis", "LOCATION": redis}
    return made


def locmem(limit: str, workers: int) -> Backend:
    """Return LocMemCache in so many processes; ``limit`` is ``unlimited`` or ``usual``, 300 entries."""
    aliases = [f"{limit}{worker}" for worker in range(workers)]
    entries = "300 entries" if limit == "usual" else "unlimited"

    def held() -> float:
        return sum(_bytes_of(caches[alias]) for alias in aliases)

    return Backend(
        f"LocMem {entries} × {workers}", aliases, backend_facts(caches[aliases[0]]), held
    )


def _bytes_of(cache: Any) -> float:
    """Return what a LocMemCache takes: pickles, keys, times and its two tables."""
    entries = cache._cache
    sizes = sum(sys.getsizeof(key) + sys.getsizeof(value) for key, value in entries.items())
    tables = sys.getsizeof(entries) + sys.getsizeof(cache._expire_info)
    return float(sizes + tables + 24 * len(entries))


def shared(alias: str, title: str, workers: int) -> Backend:
    """Return a cache that all workers share."""
    facts = backend_facts(caches[alias])
    return Backend(f"{title} × {workers}", [alias] * workers, facts, _redis_held(alias))


def _redis_held(alias: str) -> Callable[[], float] | None:
    cache: Any = caches[alias]
    if not isinstance(cache, VirtualRedis):
        return None  # Django compresses files, so that the body's size says nothing of the disk's
    cache.clear()
    client = cache._cache.get_client()

    def used() -> float:
        told = client.info("memory")
        return float(told["used_memory"] - told["mem_clients_normal"])

    empty = used()
    return lambda: used() - empty


@contextmanager
def redis_server(folder: Path) -> Iterator[str | None]:
    """Start a Redis of our own on a socket; yield its address, or None where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    socket = folder / "redis.socket"
    command = [
        program,
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            while not socket.exists() and server.poll() is None:
                sleep(0.05)
            yield f"unix://{socket}"
        finally:
            server.terminate()
