"""The end of an ASGI server: Django's application takes the message, and perfkit flushes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from threading import get_ident
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path

from perfkit import hooks, lifespan, pipeline
from perfkit.isolation import failures

urlpatterns = [path("", lambda request: HttpResponse("page"))]

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


class End:
    """What is to be called as the server ends, and in which thread it was."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self) -> None:
        self.calls.append(get_ident())


@pytest.fixture
def end() -> Iterator[End]:
    """Have Django's ASGI application call this at its end."""
    lifespan.uninstall()
    made = End()
    lifespan.install(made)
    yield made
    lifespan.uninstall()


def live(application: Any) -> list[dict[str, Any]]:
    """Run an application through its life as a server does; return what it answered."""

    async def run() -> list[dict[str, Any]]:
        server = ApplicationCommunicator(application, {"type": "lifespan"})
        answers = []
        for message in (STARTUP, SHUTDOWN):
            await server.send_input(message)
            answers.append(await server.receive_output())
        await server.wait()
        return answers

    return asyncio.run(run())


def test_the_end_of_the_server_flushes(end: End) -> None:
    """Before the answer, which the server waits for, and beside the event loop."""
    assert live(get_asgi_application()) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]
    assert len(end.calls) == 1
    assert end.calls != [get_ident()]


def test_requests_are_answered_as_before(end: End, settings: Any) -> None:
    """Only the messages that Django refuses are taken."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []

    async def ask() -> bytes:
        response = await AsyncClient().get("/")
        return bytes(response.content)

    assert asyncio.run(ask()) == b"page"
    assert end.calls == []


def test_another_kind_of_scope_is_refused_as_before(end: End) -> None:
    """A websocket is not ours to answer."""

    async def run() -> None:
        await ApplicationCommunicator(get_asgi_application(), {"type": "websocket"}).wait()

    with pytest.raises(ValueError, match="Django can only handle ASGI/HTTP"):
        asyncio.run(run())


def test_a_failure_of_ours_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The server gets its answer, the log has a line."""

    class Failing:
        def stop(self) -> None:
            raise OSError("disk")

    monkeypatch.setattr(pipeline, "_flushers", [Failing()])
    lifespan.uninstall()
    lifespan.install(pipeline.end)
    with caplog.at_level(logging.ERROR, "perfkit"):
        assert live(get_asgi_application())[-1] == {"type": "lifespan.shutdown.complete"}
    lifespan.uninstall()
    assert failures.pop("end") == 1
    assert "end failed" in caplog.text


def test_a_loop_without_threads_flushes_in_its_own(
    end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its executor is gone already, or the server runs on something else than asyncio."""

    def refuse(*given: Any) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", refuse)
    live(get_asgi_application())
    assert end.calls == [get_ident()]


def test_a_django_that_answers_by_itself_is_overheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own answers are sent, and perfkit still flushes; so with a subclass of a site's own."""

    async def answering(self: Any, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            message = await receive()
            await send({"type": message["type"] + ".complete", "by": "Django"})

    lifespan.uninstall()
    with monkeypatch.context() as patched:
        patched.setattr(ASGIHandler, "__call__", answering)
        made = End()
        lifespan.install(made)
        assert [answer["by"] for answer in live(get_asgi_application())] == ["Django"] * 2
        lifespan.uninstall()
    assert len(made.calls) == 1


def test_what_fails_in_that_django_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ValueError after the first message is no refusal."""

    async def failing(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise ValueError("of the application")

    lifespan.uninstall()
    with monkeypatch.context() as patched:
        patched.setattr(ASGIHandler, "__call__", failing)
        lifespan.install(End())
        with pytest.raises(ValueError, match="of the application"):
            live(get_asgi_application())
        lifespan.uninstall()


def test_it_is_put_in_once_and_taken_out(end: End) -> None:
    """Each worker makes the middleware several times."""
    lifespan.install(End())
    live(get_asgi_application())
    assert len(end.calls) == 1
    hooks.uninstall()
    assert ASGIHandler.__call__.__module__ == "django.core.handlers.asgi"
