"""The middleware: one observation for each request, sync and async in one class."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit import hooks, lifespan, pipeline
from perfkit.conf import get_settings
from perfkit.observation import CLIENT_GONE
from perfkit.samples import errors

GetResponse = Callable[[HttpRequest], Any]


class PerfkitMiddleware:
    """Times each request, records its statements, and changes nothing about the response.

    List it first in ``MIDDLEWARE``, so that it sees what the other middleware cost. With
    ``PERFKIT["ENABLED"]`` false or the ``PERFKIT_DISABLED`` variable set it takes itself out.

    Args:
        get_response: the next middleware or the view, sync or async.

    Raises:
        MiddlewareNotUsed: perfkit is switched off; Django then leaves this class out.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        if not get_settings().enabled:
            raise MiddlewareNotUsed("perfkit is switched off")
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(cast(Any, self))
        hooks.install()
        errors.install()
        lifespan.install(pipeline.end)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer one request."""
        if self.is_async:
            return self.__acall__(request)
        observation = pipeline.begin(request, shared=False)
        if observation is None:
            return cast(HttpResponseBase, self.get_response(request))
        try:
            if observation.asked is not None:
                pipeline.capture(observation)
            response: HttpResponseBase = self.get_response(request)
        except BaseException:
            pipeline.abandon(observation, 500)
            raise
        pipeline.respond(observation, response)
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request on an event loop."""
        observation = pipeline.begin(request, shared=True)
        if observation is None:
            return cast(HttpResponseBase, await self.get_response(request))
        try:
            if observation.asked is not None:
                await pipeline.acapture(observation)
            response: HttpResponseBase = await self.get_response(request)
        except BaseException as error:
            cancelled = isinstance(error, CancelledError)
            pipeline.abandon(observation, CLIENT_GONE if cancelled else 500)
            raise
        pipeline.respond(observation, response)
        return response
