"""The cache hook: hits, misses and time of each call on a configured cache.

Each cache object gets a subclass of its own backend class whose methods time the outermost call;
nested calls (``get_many`` calling ``get``) belong to the outer one. A miss is told from a stored
``None`` by passing a private default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import wraps
from itertools import islice
from time import perf_counter
from types import MethodType
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from perfkit.capture.current import Trace, current


class _Missing:
    """Stands for a key that is not there; a toolbar may show it as an argument."""

    def __repr__(self) -> str:
        return "missing"


_MISSING: Any = _Missing()
_inside: ContextVar[bool] = ContextVar("perfkit_inside_cache", default=False)
_classes: dict[type, type] = {}
_ALIAS = "_perfkit_alias"

#: Keys of one call that are kept where a developer looks on.
MOST_KEYS = 100

_READS = ("get", "get_many", "has_key")
#: Calls that read are timed by functions of their own; these only write.
_WRITES = ("add", "set", "set_many", "delete", "delete_many", "touch", "incr", "clear")


def alias_of(cache: Any) -> str:
    """Return the alias under which a hooked cache was made."""
    return str(cache.__dict__.get(_ALIAS, ""))


def _begin() -> Trace | None:
    trace = current.get()
    if trace is None or trace.closed or _inside.get():
        return None
    return trace


def note(
    trace: Trace,
    cache: Any,
    operation: str,
    started: float,
    hits: int,
    misses: int,
    given: Sequence[Any] = (),
) -> None:
    """Append one event; a failure in here is kept for the pipeline, as in ``sql.note``.

    What was given, the keys first, is looked at only where a developer looks on.
    """
    ended = perf_counter()
    try:
        if len(trace.cache_events) < trace.limit:
            if trace.detail is not None:
                keys = _keys_of(operation, given)
                trace.detail.keys[len(trace.cache_events)] = tuple(islice(keys, MOST_KEYS))
            trace.cache_events.append((alias_of(cache), operation, started, ended, hits, misses))
    except Exception as error:  # the site's call must not fail for us
        trace.fail("cache hook", error)


def _keys_of(operation: str, given: Sequence[Any]) -> Iterable[Any]:
    """Return the keys among the arguments of a call; ``get_many`` and its kin take several in one."""
    if not operation.endswith("_many"):
        return given[:1]
    several = given[0] if given else ()
    return several if isinstance(several, dict | list | tuple | set) else ()


def _timed_methods(of: Callable[[str], Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Time the methods that are noted.

    Args:
        of: returns the function behind a name, which takes the cache first.
    """
    methods = {
        "get": _timed_get(of("get")),
        "get_many": _timed_get_many(of("get_many")),
        "has_key": _timed_has_key(of("has_key")),
    }
    for name in _WRITES:
        methods[name] = _timed_write(of(name))
    return methods


def _traced_class(backend: type[Any]) -> type:
    """Make the subclass of one backend class; it answers as the backend does, and takes time."""
    methods = _timed_methods(lambda name: getattr(backend, name))
    return type(backend.__name__, (backend,), {**methods, "__module__": backend.__module__})


def _before(cache: Any) -> Callable[[str], Callable[..., Any]]:
    """Return what stands in a cache object before its class's methods: a toolbar's, for instance."""

    def of(name: str) -> Callable[..., Any]:
        given = vars(cache).get(name) or getattr(cache, name)

        @wraps(given)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return given(*args, **kwargs)

        return call

    return of


def _timed_get(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def get(self: Any, key: Any, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        trace = _begin()
        if trace is None:
            return original(self, key, default, *args, **kwargs)
        token = _inside.set(True)
        started = perf_counter()
        found = 0
        try:
            value = original(self, key, _MISSING, *args, **kwargs)
            if value is _MISSING:
                return default
            found = 1
            return value
        finally:
            _inside.reset(token)
            note(trace, self, "get", started, found, 1 - found, (key,))

    return get


def _timed_get_many(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def get_many(self: Any, keys: Any, *args: Any, **kwargs: Any) -> Any:
        trace = _begin()
        if trace is None:
            return original(self, keys, *args, **kwargs)
        token = _inside.set(True)
        keys = list(keys)
        found = 0
        started = perf_counter()
        try:
            values = original(self, keys, *args, **kwargs)
            found = len(values)
            return values
        finally:
            _inside.reset(token)
            note(trace, self, "get_many", started, found, max(len(keys) - found, 0), (keys,))

    return get_many


def _timed_has_key(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def has_key(self: Any, *args: Any, **kwargs: Any) -> Any:
        trace = _begin()
        if trace is None:
            return original(self, *args, **kwargs)
        token = _inside.set(True)
        found = 0
        started = perf_counter()
        try:
            answer = original(self, *args, **kwargs)
            found = int(bool(answer))
            return answer
        finally:
            _inside.reset(token)
            note(trace, self, "has_key", started, found, 1 - found, args)

    return has_key


def _timed_write(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        trace = _begin()
        if trace is None:
            return original(self, *args, **kwargs)
        token = _inside.set(True)
        started = perf_counter()
        try:
            return original(self, *args, **kwargs)
        finally:
            _inside.reset(token)
            note(trace, self, original.__name__, started, 0, 0, args)

    return write


def hook_cache(cache: Any, alias: str) -> Any:
    """Give one cache object its timed class, once; what is no Django cache stays as it is."""
    backend = type(cache)
    if not isinstance(cache, BaseCache) or _ALIAS in cache.__dict__:
        return cache
    if backend not in _classes:
        _classes[backend] = _traced_class(backend)
    own = vars(cache)
    shadowed = [name for name in (*_READS, *_WRITES) if name in own]
    if shadowed:
        timed = _timed_methods(_before(cache))
        own.update({name: MethodType(timed[name], cache) for name in shadowed})
    cache.__class__ = _classes[backend]
    own[_ALIAS] = alias
    return cache


def install() -> None:
    """Hook this thread's open caches and every one that is made from now on."""
    if "create_connection" in vars(caches):
        return

    def create_connection(alias: str) -> Any:
        # Looked up each time: a toolbar may have put another one into the class since.
        return hook_cache(type(caches).create_connection(caches, alias), alias)

    vars(caches)["create_connection"] = create_connection
    for alias in caches:
        if hasattr(vars(caches)["_connections"], alias):  # made already, in this thread
            hook_cache(caches[alias], alias)


def uninstall() -> None:
    """New caches are plain again; those already hooked notice nothing unless somebody records."""
    vars(caches).pop("create_connection", None)
