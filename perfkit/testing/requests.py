"""Records each request that a test makes apart from the others, whether or not the middleware runs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from functools import wraps
from typing import Any

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit.capture.current import Trace, current
from perfkit.metrics.route import method_label, route_label
from perfkit.testing.recording import Unit, running

#: Django's test clients, its live server and real handlers all answer through one of the two.
_NAMES = ("get_response", "get_response_async")
_originals: dict[str, Callable[..., Any]] = {}


def install() -> None:
    """Put a boundary around each request, once in a process."""
    if not _originals:
        _originals.update({name: getattr(BaseHandler, name) for name in _NAMES})
        for name, wrap in zip(_NAMES, (_bounded, _bounded_async), strict=True):
            setattr(BaseHandler, name, wrap(_originals[name]))


def uninstall() -> None:
    """Take the boundary off again."""
    while _originals:
        setattr(BaseHandler, *_originals.popitem())


def _bounded(original: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(original)
    def get_response(handler: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        begun = _begin()
        if begun is None:
            return original(handler, request)
        status = 500
        try:
            response = original(handler, request)
            status = response.status_code
            return response
        finally:
            _end(*begun, request, status)

    return get_response


def _bounded_async(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def get_response_async(handler: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        begun = _begin()
        if begun is None:
            answer: HttpResponseBase = await original(handler, request)
            return answer
        status = 500
        try:
            response: HttpResponseBase = await original(handler, request)
            status = response.status_code
            return response
        finally:
            _end(*begun, request, status)

    return get_response_async


def _begin() -> tuple[Unit, Token[Trace | None]] | None:
    recording = running()
    return None if recording is None else recording.begin_unit()


def _end(unit: Unit, token: Token[Trace | None], request: HttpRequest, status: int) -> None:
    current.reset(token)
    # The trace stays open: a streamed body may still be on its way to the test.
    unit.facts = {
        "route": route_label(request.resolver_match, status),
        "method": method_label(request.method),
        "status": status,
    }
