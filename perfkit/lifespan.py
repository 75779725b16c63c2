"""Flushes as an ASGI server ends, by the lifespan protocol, which Django does not speak.

uvicorn ends a ``SIGTERM`` by raising it once more with the system's own handler: nothing that Python
does at the end of a process is done then. What it does before is to tell the application of its end,
after the last response. Django refuses that message; with this its ASGI application takes it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Call = Callable[..., Awaitable[None]]

#: Where Django's ASGI application is; imported only by a site that is served through it.
_MODULE = "django.core.handlers.asgi"

_original: list[Call] = []


def install(end: Callable[[], None]) -> None:
    """Have Django's ASGI application call a function as its server ends.

    Args:
        end: flushes what is left, and does not fail; called in another thread, so that the loop
            goes on.
    """
    handler = getattr(sys.modules.get(_MODULE), "ASGIHandler", None)
    if handler is None or _original:
        return
    call: Call = handler.__call__

    # A coroutine function: servers tell by it which version of ASGI an application speaks.
    async def answer(self: Any, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(call, self, scope, receive, send, end)
        else:
            await call(self, scope, receive, send)

    _original.append(call)
    handler.__call__ = answer


def uninstall() -> None:
    """Give Django its own application back."""
    while _original:
        sys.modules[_MODULE].ASGIHandler.__call__ = _original.pop()


async def _live(
    call: Call,
    handler: Any,
    scope: dict[str, Any],
    receive: Receive,
    send: Send,
    end: Callable[[], None],
) -> None:
    heard = False

    async def overhear() -> dict[str, Any]:
        nonlocal heard
        heard = True
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await _end(end)
        return message

    try:
        await call(handler, scope, overhear, send)
    except ValueError:
        if heard:
            raise
    else:
        return  # a Django to come that answers by itself
    while True:
        message = await overhear()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _end(end: Callable[[], None]) -> None:
    try:
        ended = asyncio.get_running_loop().run_in_executor(None, end)
    except RuntimeError:  # a server that runs on trio, or that has ended its threads already
        end()
    else:
        await ended
