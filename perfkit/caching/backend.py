"""What the configured cache can hold, who shares it, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from django.http import HttpResponse

from perfkit.isolation import isolated

#: Class of a backend -> what it is. A class of the site's own is known by the one it is derived from.
_KINDS: Final = {
    "LocMemCache": "locmem",
    "FileBasedCache": "file",
    "DatabaseCache": "database",
    "RedisCache": "redis",
    "PyMemcacheCache": "memcached",
    "PyLibMCCache": "memcached",
    "BaseMemcachedCache": "memcached",
    "DummyCache": "dummy",
}
#: Entries by default of those that count them; a page has two: itself, and what its key is made of.
DEFAULT_MAX_ENTRIES: Final = 300
ENTRIES_OF_A_PAGE: Final = 2
MEMCACHED_ITEM_BYTES: Final = 1_000_000

#: Bytes that a page costs besides the body in a process: pickle, headers, two keys, their places in
#: two dicts. Of Redis: what the pickle adds, which its allocator rounds up, and all the rest.
OVERHEAD_BYTES: Final = 1_090
_PICKLE_BYTES: Final = 430
_REDIS_BYTES: Final = 600

_PROBES: Final = 15
#: What is taken for the cost of a cache that cannot be asked: Redis on the same host.
_HIT_MS: Final = 0.2
_STORE_MS: Final = 0.3


@dataclass(frozen=True, slots=True)
class BackendFacts:
    """The cache that a page would be kept in.

    Attributes:
        kind: ``locmem``, ``file``, ``database``, ``redis``, ``memcached``, ``dummy`` or ``other``.
        max_entries: entries it keeps, None where it counts none.
        cull: one in so many goes when it is full.
        hit_ms, store_ms: what a hit and a store cost, in milliseconds.
    """

    kind: str = "other"
    max_entries: int | None = None
    cull: int = 3
    hit_ms: float = _HIT_MS
    store_ms: float = _STORE_MS

    @property
    def is_shared(self) -> bool:
        """Whether all workers have one cache."""
        return self.kind != "locmem"

    @property
    def keeps_expired(self) -> bool:
        """Whether an entry that has run out stays until somebody asks for it or room is needed."""
        return self.kind in ("locmem", "file", "database")

    @property
    def most_bytes(self) -> int | None:
        """Bytes of an answer at most, None where there is no limit."""
        return MEMCACHED_ITEM_BYTES if self.kind == "memcached" else None


def backend_facts(cache: Any) -> BackendFacts:
    """Tell what a cache is, and measure it with entries of its own that it removes again.

    Args:
        cache: an entry of ``django.core.cache.caches``.
    """
    names = [cls.__name__ for cls in type(cache).__mro__]
    kind = next((_KINDS[name] for name in names if name in _KINDS), "other")
    counts = kind in ("locmem", "file", "database")
    hit_ms, store_ms = _measured(cache)
    return BackendFacts(
        kind,
        int(cache._max_entries) if counts else None,
        int(cache._cull_frequency) if counts else 3,
        hit_ms,
        store_ms,
    )


def _measured(cache: Any) -> tuple[float, float]:
    """Return the milliseconds of two gets and of two sets, as a page needs; medians."""
    key, page = f"perfkit-probe-{uuid4().hex}", HttpResponse(b"x" * 20_000)
    hits, stores = [_HIT_MS / 1000], [_STORE_MS / 1000]
    with isolated("cache probe"):
        for _ in range(_PROBES):
            started = perf_counter()
            cache.set(key, [], 30)
            cache.set(f"{key}-page", page, 30)
            stored = perf_counter()
            cache.get(key)
            cache.get(f"{key}-page")
            hits.append(perf_counter() - stored)
            stores.append(stored - started)
        cache.delete_many([key, f"{key}-page"])
    return median(hits) * 1000, median(stores) * 1000


def page_bytes(body: float, facts: BackendFacts | None = None) -> float:
    """Return the bytes that a stored page takes, measured by what each backend itself says.

    A file or a row takes less where the body compresses.

    Args:
        body: bytes of the answer's body.
        facts: the cache; None for LocMemCache.
    """
    if facts is None or facts.kind != "redis":
        return body + OVERHEAD_BYTES
    return _allocated(body + _PICKLE_BYTES) + _REDIS_BYTES


def _allocated(size: float) -> int:
    """Return what jemalloc gives for so many bytes: four sizes between two powers of two."""
    step = 1 << max(int(size - 1).bit_length() - 3, 4)
    return int(-(-size // step) * step)
