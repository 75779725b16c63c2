"""The cache hook: hits, misses and time of each outermost call, and every answer as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import BaseCache, caches
from django.core.management import call_command
from django.test import override_settings

from perfkit import hooks
from perfkit.capture import cache as cache_hook
from perfkit.capture.cache import hook_cache
from perfkit.capture.current import Trace

BACKENDS = "django.core.cache.backends"
KEEPING = ("locmem", "file", "db")
Call = tuple[str, str, int, int]


@pytest.fixture(params=[*KEEPING, "dummy"])
def alias(request: pytest.FixtureRequest) -> str:
    """Each backend in turn."""
    return str(request.param)


@pytest.fixture(autouse=True)
def backends(tmp_path: Path, db: None) -> Iterator[None]:
    """Configure one cache of each kind."""
    configured = {
        "default": {"BACKEND": f"{BACKENDS}.dummy.DummyCache"},
        "locmem": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache", "LOCATION": "test_cache"},
        "file": {"BACKEND": f"{BACKENDS}.filebased.FileBasedCache", "LOCATION": str(tmp_path)},
        "db": {"BACKEND": f"{BACKENDS}.db.DatabaseCache", "LOCATION": "cache_rows"},
        "dummy": {"BACKEND": f"{BACKENDS}.dummy.DummyCache"},
    }
    with override_settings(CACHES=configured):
        call_command("createcachetable")
        yield
        caches["locmem"].clear()


def calls(trace: Trace) -> list[Call]:
    """Return what was noted, without clocks; check those on the way."""
    assert all(event[2] <= event[3] for event in trace.cache_events)
    return [(event[0], event[1], event[4], event[5]) for event in trace.cache_events]


def test_a_miss_then_a_hit(alias: str, trace: Trace) -> None:
    """A read that finds nothing is a miss, one that finds something a hit; dummy never finds."""
    cache = caches[alias]
    assert cache.get("a") is None
    cache.set("a", 1)
    found = cache.get("a")
    assert found == (None if alias == "dummy" else 1)
    last = (0, 1) if alias == "dummy" else (1, 0)
    assert calls(trace) == [
        (alias, "get", 0, 1),
        (alias, "set", 0, 0),
        (alias, "get", *last),
    ]


@pytest.mark.parametrize("alias", KEEPING)
def test_a_stored_none_is_a_hit(alias: str, trace: Trace) -> None:
    """None may be a value like any other."""
    cache = caches[alias]
    cache.set("a", None)
    assert cache.get("a", "default") is None
    assert calls(trace)[-1] == (alias, "get", 1, 0)


def test_a_miss_returns_the_default(alias: str, trace: Trace) -> None:
    """The private default of the hook never reaches the site, however the default is given."""
    cache = caches[alias]
    default = object()
    assert cache.get("a", default) is default
    assert cache.get("a", default=default) is default
    assert cache.get(key="a", default=default, version=2) is default
    assert calls(trace) == [(alias, "get", 0, 1)] * 3


@pytest.mark.parametrize("alias", KEEPING)
def test_get_many_is_one_call(alias: str, trace: Trace) -> None:
    """Its hits and misses are counted by key; the reads inside belong to it.

    Keys may be any iterable, read once.
    """
    cache = caches[alias]
    cache.set_many({"a": 1, "b": 2})
    found = cache.get_many(key for key in ("a", "b", "c", "d", "e"))
    assert found == {"a": 1, "b": 2}
    assert calls(trace) == [(alias, "set_many", 0, 0), (alias, "get_many", 2, 3)]


@pytest.mark.parametrize("alias", KEEPING)
def test_incr_and_decr_are_one_call(alias: str, trace: Trace) -> None:
    """A backend may read and write for it; the site made one call."""
    cache = caches[alias]
    cache.set("a", 1)
    assert cache.incr("a", 4) == 5
    assert cache.decr("a") == 4
    assert calls(trace)[1:] == [(alias, "incr", 0, 0)] * 2


def test_has_key_tells_hits_and_misses(trace: Trace) -> None:
    """Also as `in`."""
    cache = caches["locmem"]
    cache.set("a", None)
    assert cache.has_key("a")
    assert "b" not in cache
    assert calls(trace)[1:] == [("locmem", "has_key", 1, 0), ("locmem", "has_key", 0, 1)]


def test_get_or_set_counts_as_the_calls_it_makes(trace: Trace) -> None:
    """A hit is one read; on a miss Django reads, adds, and reads again."""
    cache = caches["locmem"]
    assert cache.get_or_set("a", lambda: 5) == 5
    assert cache.get_or_set("a", lambda: 6) == 5
    assert calls(trace) == [
        ("locmem", "get", 0, 1),
        ("locmem", "add", 0, 0),
        ("locmem", "get", 1, 0),
        ("locmem", "get", 1, 0),
    ]


def test_the_other_calls_are_timed(trace: Trace) -> None:
    """Writes count by their time only, and answer as they did."""
    cache = caches["locmem"]
    assert cache.add("a", 1) is True
    assert cache.add("a", 2) is False
    assert cache.touch("a") is True
    assert cache.delete("a") is True
    cache.delete_many(["a", "b"])
    cache.clear()
    assert [operation for _, operation, _, _ in calls(trace)] == [
        "add",
        "add",
        "touch",
        "delete",
        "delete_many",
        "clear",
    ]


@pytest.mark.parametrize("alias", KEEPING)
def test_async_calls_are_counted(alias: str, trace: Trace) -> None:
    """An async view's cache calls count like any."""
    cache = caches[alias]

    async def view() -> tuple[Any, Any, Any]:
        await cache.aset("a", 1)
        return await cache.aget("a"), await cache.aget("b", 7), await cache.aget_many(["a", "b"])

    assert async_to_sync(view)() == (1, 7, {"a": 1})
    assert sum(hits for _, _, hits, _ in calls(trace)) == 2
    assert sum(misses for _, _, _, misses in calls(trace)) == 2


def test_a_call_that_fails_is_noted_and_its_error_passes(trace: Trace) -> None:
    """The site gets its own exception."""
    with pytest.raises(ValueError, match=":1:a' not found"):
        caches["locmem"].incr("a")
    with pytest.raises(TypeError):
        caches["locmem"].get(["no", "key"], version=object(), nonsense=1)
    caches["locmem"].get("a")
    assert calls(trace)[0] == ("locmem", "incr", 0, 0)
    assert calls(trace)[-1] == ("locmem", "get", 0, 1)


def test_idle_calls_are_left_alone() -> None:
    """While nobody records, a hooked cache answers as the plain one does."""
    hooks.install()
    cache = caches["locmem"]
    assert cache.get("a", 3) == 3
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert cache.get_many(iter(["a", "b"])) == {"a": 1}
    assert "a" in cache
    cache.delete("a")


def test_a_closed_trace_takes_nothing_more(trace: Trace) -> None:
    """A task that outlives its request does not write into the request's record."""
    trace.closed = True
    caches["locmem"].get("a")
    assert trace.cache_events == []


def test_calls_kept_are_bounded(trace: Trace) -> None:
    """A loop over a cache costs bounded memory, as one over a database does."""
    trace.limit = 3
    for _ in range(9):
        caches["locmem"].get("a")
    assert len(trace.cache_events) == 3


def test_the_hooked_class_passes_for_the_backends_own(trace: Trace) -> None:
    """Code that asks for the class, by isinstance or by name, finds what it looks for."""
    cache: Any = caches["locmem"]
    plain = type(cache).__mro__[1]
    assert isinstance(cache, plain)
    assert type(cache).__name__ == "LocMemCache"
    assert type(cache).__module__ == f"{BACKENDS}.locmem"
    assert type(cache).get.__wrapped__ is plain.get


def test_a_cache_is_hooked_once(trace: Trace) -> None:
    """Hooking again, or installing again, doubles nothing."""
    cache = caches["locmem"]
    hook_cache(cache, "again")
    cache_hook.install()
    cache.get("a")
    assert calls(trace) == [("locmem", "get", 0, 1)]


def test_what_is_no_cache_of_djangos_stays_as_it_is() -> None:
    """A backend need not derive from BaseCache; then it is not touched."""

    class Own:
        def get(self, key: str) -> str:
            return key

    own = Own()
    assert hook_cache(own, "own") is own
    assert type(own) is Own


def test_a_backends_further_arguments_pass(trace: Trace) -> None:
    """Redis and others take arguments that Django does not know."""

    class Generous(BaseCache):
        def get(self, key: Any, default: Any = None, version: Any = None, **more: Any) -> Any:
            return (key, more)

    cache = hook_cache(Generous({}), "generous")
    assert cache.get("a", None, 1, color="red") == ("a", {"color": "red"})
    assert calls(trace) == [("generous", "get", 1, 0)]


def test_uninstalled_caches_are_plain() -> None:
    """After uninstall a new cache has its own class again."""
    hooks.install()
    try:
        cache_hook.uninstall()
        with override_settings(
            CACHES={"default": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache", "LOCATION": "plain"}}
        ):
            assert "_perfkit_alias" not in vars(caches["default"])
    finally:
        cache_hook.install()
    with override_settings(CACHES={"default": {"BACKEND": f"{BACKENDS}.dummy.DummyCache"}}):
        assert vars(caches["default"])["_perfkit_alias"] == "default"


def test_a_cache_that_was_open_already_is_hooked() -> None:
    """Installing late, as `perfkit.record()` in a shell does, misses no open cache."""
    hooks.install()
    cache_hook.uninstall()
    with override_settings(
        CACHES={"default": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache", "LOCATION": "early"}}
    ):
        early = caches["default"]
        assert "_perfkit_alias" not in vars(early)
        cache_hook.install()
        assert vars(early)["_perfkit_alias"] == "default"
