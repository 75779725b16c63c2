"""One request as it is being observed: clocks, the trace, and the end of its body."""

from __future__ import annotations

import time
from asyncio import Task, current_task
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import Token
from threading import get_ident
from time import perf_counter, thread_time
from typing import Any, Protocol

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from perfkit.capture.current import UNRECORDED, Trace, current

#: Where a finished request is handed to, exactly once.
Done = Callable[["Observation"], None]

#: A stamp older than this is a wrong clock, not a queue. In milliseconds.
_LONGEST_QUEUE_MS = 3_600_000.0

#: The requests that this process is answering now, by the observation's own id. A request enters and
#: leaves with one dict operation each, which needs no lock; readers take a copy.
RUNNING: dict[int, Observation] = {}

#: What tells where a request runs: its thread's number, or the greenlet where threads are greenlets.
whereabouts: Callable[[], Any] = get_ident

#: Digits of a ``Content-Length``; more are junk, and Python itself refuses to read thousands.
_LONGEST_LENGTH = 15

#: nginx's word for a client that went away.
CLIENT_GONE = 499


class Pieces(Protocol):
    """What is told when the site's own code for a request goes on in a thread, and when it stops."""

    def resume(self) -> None:
        """Go on; raises nothing."""

    def pause(self) -> None:
        """Stop, in the same thread; raises nothing."""


class Observation:
    """The clocks of one request and, when its statements are recorded, its trace.

    Attributes:
        started_at: Unix seconds.
        started, first_byte, ended: ``perf_counter()`` seconds; the last two 0.0 until known.
        cpu_s: the thread's CPU seconds, None where other work shares the thread.
        status: HTTP status, 499 when the client went away before there was one.
        sent_bytes: bytes of the body, None when it cannot be told.
        aborted: the body or the view was cut short.
        task: name of the Celery task that this is, ``""`` for a request.
        request: None once finished: it may hold an upload, and it holds this.
        match, method, stamp: what is kept of it; ``stamp`` is its ``X-Request-Start``.
        thread_id: ``get_ident()`` of the thread in which it began, or the greenlet.
        running_task: the asyncio task that answers it, None under WSGI and once finished.
        error: name of the class of the exception that failed it, ``""`` where none is known.
        shares_thread: whether other requests run in the thread at the same time.
        asked: why it may be captured, None for nearly all.
        capture: what captures it, None for nearly all.
        sampled: whether ``SAMPLE_RATE`` has it recorded; a captured request is in any case.
    """

    __slots__ = (
        "_cpu_started",
        "_done",
        "_token",
        "aborted",
        "asked",
        "capture",
        "cpu_s",
        "ended",
        "error",
        "first_byte",
        "match",
        "method",
        "outer",
        "request",
        "running_task",
        "sampled",
        "sent_bytes",
        "shares_thread",
        "stamp",
        "started",
        "started_at",
        "status",
        "task",
        "thread_id",
        "trace",
    )

    def __init__(self, request: HttpRequest, trace: Trace | None, shared: bool, done: Done) -> None:
        self.request: HttpRequest | None = request
        self.match: ResolverMatch | None = None
        self.task = ""
        self.method = request.method
        self.stamp: str | None = request.META.get("HTTP_X_REQUEST_START")
        self.trace = None if trace is UNRECORDED else trace
        self._done = done
        self.first_byte = self.ended = 0.0
        self.cpu_s: float | None = None
        self.status = 0
        self.sent_bytes: int | None = None
        self.aborted = False
        self.error = ""
        self.outer = current.get()
        self._token: Token[Trace | None] | None = None if trace is None else current.set(trace)
        self.asked: Any = None
        self.capture: Pieces | None = None
        self.sampled = True
        self.shares_thread = shared
        self._cpu_started = None if shared else thread_time()
        self.thread_id = whereabouts()
        self.running_task: Task[Any] | None = _current_task() if shared else None
        self.started_at = time.time()  # looked up now: a test may have put another clock there
        self.started = perf_counter()
        RUNNING[id(self)] = self

    def leave(self) -> None:
        """Note the first byte and stop recording in this context; the body may still come."""
        if self.capture is not None:
            self.capture.pause()
        self.first_byte = perf_counter()
        if self.request is not None:
            self.match = self.request.resolver_match
        if self._cpu_started is not None:
            self.cpu_s = thread_time() - self._cpu_started
        if self._token is not None:
            current.reset(self._token)
            self._token = None

    def finish(self, *, aborted: bool = False) -> None:
        """Note the end; only the first call counts."""
        if self.ended:
            return
        self.ended = perf_counter()
        RUNNING.pop(id(self), None)
        self.running_task = None
        self.aborted = aborted
        self.request = None
        if self.trace is not None:
            self.trace.closed = True
        self._done(self)

    def follow(self, response: HttpResponseBase) -> None:
        """Finish with the body: now when it is whole, else with its last byte or its close."""
        self.status = response.status_code
        if not response.streaming:
            self.sent_bytes = len(response.content)  # type: ignore[attr-defined]  # not streaming
            self.finish()
            return
        body = Body(self)
        # The server closes a response whether or not it sent all of it.
        response._resource_closers.append(body.close)  # type: ignore[attr-defined]  # no public way
        if isinstance(response, FileResponse) and response.file_to_stream is not None:
            # Wrapping the iterator would switch off the server's own sendfile.
            length = response.headers.get("Content-Length", "")
            known = length.isdecimal() and len(length) <= _LONGEST_LENGTH
            self.sent_bytes = int(length) if known else None
            body.ended = True
            return
        self.sent_bytes = 0
        stream: Any = response
        if stream.is_async:
            stream.streaming_content = body.async_chunks(stream.streaming_content)
        else:
            stream.streaming_content = body.chunks(stream.streaming_content)

    @property
    def queue_ms(self) -> float | None:
        """Milliseconds between the proxy's ``X-Request-Start`` and the first line of ours."""
        return None if self.stamp is None else queue_ms(self.stamp, self.started_at)


def _current_task() -> Task[Any] | None:
    try:
        return current_task()
    except RuntimeError:  # no event loop runs in this thread
        return None


class Body:
    """A streamed body: recorded chunk by chunk, finished at its end."""

    __slots__ = ("ended", "observation")

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.ended = False

    def chunks(self, content: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the chunks through, with the trace current only while the site makes one."""
        observation = self.observation
        trace = observation.trace or observation.outer
        try:
            while True:
                token = current.set(trace)
                if (capture := observation.capture) is not None:
                    capture.resume()
                try:
                    chunk = next(content, None)
                finally:
                    if capture is not None:
                        capture.pause()
                    current.reset(token)
                if chunk is None:
                    break
                observation.sent_bytes = (observation.sent_bytes or 0) + len(chunk)
                yield chunk
            self.ended = True
        finally:
            self.close()

    async def async_chunks(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Do what ``chunks`` does, for an asynchronous iterator."""
        observation = self.observation
        trace = observation.trace or observation.outer
        try:
            while True:
                token = current.set(trace)
                if (capture := observation.capture) is not None:
                    capture.resume()
                try:
                    chunk = await anext(content, None)
                finally:
                    if capture is not None:
                        capture.pause()
                    current.reset(token)
                if chunk is None:
                    break
                observation.sent_bytes = (observation.sent_bytes or 0) + len(chunk)
                yield chunk
            self.ended = True
        finally:
            self.close()

    def close(self) -> None:
        """Finish the request; called by the iterator and by the server's ``close()``."""
        self.observation.finish(aborted=not self.ended)

    def __del__(self) -> None:
        # A response that was dropped unread and unclosed is a request all the same.
        self.close()


def queue_ms(stamp: str, now: float) -> float | None:
    """Read an ``X-Request-Start`` header.

    Proxies write seconds (nginx ``t=${msec}``), milliseconds (Heroku) or microseconds (Apache
    ``t=%t``); today's dates tell them apart by size.

    Args:
        stamp: the header's value.
        now: Unix seconds of the request's arrival.

    Returns:
        Milliseconds waited, None for junk, a stamp of the future or one over an hour old.
    """
    try:
        value = float(stamp.strip().removeprefix("t="))
    except ValueError:
        return None
    if value > 1e14:
        value /= 1e6
    elif value > 1e11:
        value /= 1e3
    waited = (now - value) * 1000
    return waited if 0 <= waited <= _LONGEST_QUEUE_MS else None
