"""Recording by hand: ``with perfkit.record() as record``, in tests, tasks, commands and shells."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter, time
from typing import Any, Self, TypeVar, cast

from asgiref.sync import sync_to_async

from perfkit import hooks
from perfkit.analysis import analyze
from perfkit.capture.current import Trace, current
from perfkit.capture.sql import hook_open_connections
from perfkit.conf import get_settings
from perfkit.record import CacheCall, Finding, Query, RequestRecord
from perfkit.snapshot import from_trace

Function = TypeVar("Function", bound=Callable[..., Any])


class record:  # noqa: N801  # reads as a verb: with perfkit.record()
    """Record the statements and cache calls of a block, sync or async, or of a function.

    It works whether or not the middleware is installed or ``PERFKIT["ENABLED"]`` is true. Blocks
    nest: the outer one sees what the inner one saw. Tasks and threads started with a copy of the
    context are followed; a plain ``threading.Thread`` begins with an empty context and is not.

    Args:
        done: called with the ``RequestRecord`` when the block ends; how a decorated function
            hands over its record.

    After the block ``queries``, ``findings`` and the other fields of ``RequestRecord`` can be
    read on this object; times are milliseconds.
    """

    def __init__(self, done: Callable[[RequestRecord], None] | None = None) -> None:
        self._done = done
        self._result: RequestRecord | None = None
        self._trace: Trace | None = None
        self._outer: Trace | None = None
        self._token: Token[Trace | None] | None = None
        self._started = self._started_at = 0.0

    def __enter__(self) -> Self:
        hooks.install()
        self._trace = hooks.new_trace(get_settings())
        self._outer = current.get()
        self._token = current.set(self._trace)
        self._started_at, self._started = time(), perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        ended = perf_counter()
        trace, token = self._trace, self._token
        if trace is None or token is None:
            raise RuntimeError("perfkit.record() was left without having been entered")
        trace.closed = True
        hooks.report_failures(trace)
        current.reset(token)
        if self._outer is not None:
            self._outer.absorb(trace)
        duration_ms = (ended - self._started) * 1000
        plain = from_trace(
            trace,
            self._started,
            started_at=self._started_at,
            duration_ms=duration_ms,
            ttfb_ms=duration_ms,
        )
        self._result = analyze(plain, get_settings())
        if self._done is not None:
            self._done(self._result)

    async def __aenter__(self) -> Self:
        # The ORM runs in another thread, where a connection may be open since before the hooks.
        await sync_to_async(hook_open_connections)()
        return self.__enter__()

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__(*exception)

    def __call__(self, function: Function) -> Function:
        """Record each call of a function or coroutine function, each on its own."""
        done = self._done
        if iscoroutinefunction(function):

            @wraps(function)
            async def recorded_async(*args: Any, **kwargs: Any) -> Any:
                async with record(done):
                    return await function(*args, **kwargs)

            return cast(Function, recorded_async)

        @wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            with record(done):
                return function(*args, **kwargs)

        return cast(Function, recorded)

    @property
    def result(self) -> RequestRecord:
        """The whole record.

        Raises:
            RuntimeError: the block has not ended yet.
        """
        if self._result is None:
            raise RuntimeError(
                "this perfkit.record() block has not ended; read the record after the with block"
            )
        return self._result

    @property
    def queries(self) -> tuple[Query, ...]:
        """The statements in the order they ran."""
        return self.result.queries

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to change, costliest first."""
        return self.result.findings

    @property
    def cache_calls(self) -> tuple[CacheCall, ...]:
        """The cache calls in the order they were made."""
        return self.result.cache_calls

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON."""
        return self.result.to_dict()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.result, name)
