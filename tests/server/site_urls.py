"""The test pages, and some that only a real server can serve."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from tests import pages


def worker(request: HttpRequest) -> HttpResponse:
    """Say which process answers."""
    return HttpResponse(str(os.getpid()))


def flood(request: HttpRequest) -> StreamingHttpResponse:
    """Stream until the client has enough."""

    def content() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    return StreamingHttpResponse(content())


urlpatterns = [path("worker/", worker), path("flood/", flood), *pages.urlpatterns]
