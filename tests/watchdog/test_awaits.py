"""Coroutines that are not in the midst of a wait, and awaitables that tell nothing."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from perfkit.metrics.sample import Sample
from perfkit.observation import RUNNING
from perfkit.stacks.awaits import _pending, behind, wait_of
from tests.watchdog.conftest import Hang
from tests.watchdog.hanging import Hanging


class Foreign:
    """Awaitable by an iterator of another kind, as an extension's may be."""

    def __await__(self) -> Iterator[Any]:
        """Yield once."""
        return iter([None])


async def wait_for(awaitable: Any) -> None:
    """Await something."""
    await awaitable


async def numbers(future: asyncio.Future[None]) -> AsyncIterator[int]:
    """Wait within an asynchronous iterator."""
    await future
    yield 1


async def loop_over(future: asyncio.Future[None]) -> None:
    """Wait for an asynchronous iterator."""
    async for _ in numbers(future):
        pass


async def next_of(future: asyncio.Future[None]) -> None:
    """Wait for one value, or none."""
    await anext(numbers(future), None)


def names(wait: Any) -> list[str]:
    """Name the functions of a wait."""
    return [frame.f_code.co_name for frame in wait.frames]


@pytest.fixture
def future() -> Iterator[asyncio.Future[None]]:
    """Make a future that nobody ends."""
    loop = asyncio.new_event_loop()
    yield loop.create_future()
    loop.close()


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (wait_for, ["wait_for"]),
        (loop_over, ["loop_over", "numbers"]),
        (next_of, ["next_of", "numbers"]),
    ],
)
def test_a_wait_ends_at_its_future(
    future: asyncio.Future[None], wait: Callable[[Any], Any], expected: list[str]
) -> None:
    """Through coroutines and through the language's own wrappers, which tell nothing."""
    coroutine = wait(future)
    coroutine.send(None)
    found = wait_of(coroutine)
    assert (names(found), found.running, found.on) == (expected, False, future)
    coroutine.close()


def test_an_awaitable_of_another_kind_ends_the_way(future: asyncio.Future[None]) -> None:
    """What cannot be followed is left out."""
    coroutine = wait_for(Foreign())
    coroutine.send(None)
    found = wait_of(coroutine)
    assert (names(found), found.on) == (["wait_for"], None)
    coroutine.close()


def test_a_coroutine_that_has_not_begun_or_is_done(future: asyncio.Future[None]) -> None:
    """It waits for nothing."""
    coroutine = wait_for(future)
    assert (names(wait_of(coroutine)), wait_of(coroutine).on) == (["wait_for"], None)
    coroutine.close()
    assert (names(wait_of(coroutine)), wait_of(coroutine).on) == ([], None)
    assert wait_of(None).frames == []


def test_what_a_future_waits_for_is_bounded() -> None:
    """However many are gathered, few are looked at; what is done is passed over."""
    loop = asyncio.new_event_loop()
    pool: concurrent.futures.Future[None] = concurrent.futures.Future()
    done = loop.create_future()
    done.set_result(None)
    pending = [loop.create_future() for _ in range(50)]

    async def gather() -> Any:
        return asyncio.gather(done, *pending)

    gathered = loop.run_until_complete(gather())
    assert list(behind(gathered)) == []
    assert list(behind(asyncio.wrap_future(pool, loop=loop))) == [pool]

    def later() -> object:
        return not_yet

    future = loop.create_future()
    future.add_done_callback(lambda _: later())
    assert list(behind(future)) == []
    not_yet = None
    gathered.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_a_group_of_another_kind_has_no_tasks() -> None:
    """What another version of Python keeps elsewhere is not found, and no error."""
    assert _pending(object()) is None
    assert _pending([None]) is None


# Greenlets ------------------------------------------------------------------------------------


def sample_of(hanging: Hanging) -> Sample:
    """Look twice, and return what was seen."""
    hanging.age(11.0)
    hanging.age(11.3)
    hanging.watchdog.finish()
    (sample,), _ = hanging.watchdog.take()
    return sample


def test_a_greenlet_that_waits(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stack is its own, whatever its thread is at."""
    greenlet = pytest.importorskip("greenlet")
    monkeypatch.setattr("perfkit.observation.whereabouts", greenlet.getcurrent)
    hanging = hang()
    main = greenlet.getcurrent()
    monkeypatch.setattr("tests.watchdog.site_urls.wait_here", lambda: main.switch())
    asking = greenlet.greenlet(lambda: Client().get("/hang/7/"))
    asking.switch()
    sample = sample_of(hanging)
    assert (sample.data["tree"][0][0].split()[-1], sample.data["samples"]) == ("hang", 2)
    assert not sample.data["blocked_loop"]
    (observation,) = RUNNING.values()
    asking.switch()
    assert observation.thread_id.dead


def test_a_greenlet_that_computes(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs at one look and at the next: no other greenlet does."""
    greenlet = pytest.importorskip("greenlet")
    monkeypatch.setattr("perfkit.observation.whereabouts", greenlet.getcurrent)
    hanging = hang()
    hanging.ask("/hang/7/")
    sample = sample_of(hanging)
    assert (sample.data["tree"][0][0].split()[-1], sample.data["samples"]) == ("hang", 2)
    assert sample.data["blocked_loop"]


def test_a_greenlet_that_is_gone(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request whose end was not told has no stack."""
    greenlet = pytest.importorskip("greenlet")
    hanging = hang()
    observation = hanging.ask("/hang/7/")
    gone = greenlet.greenlet(lambda: None)
    gone.switch()
    thread, observation.thread_id = observation.thread_id, gone
    assert sample_of(hanging).data["samples"] == 0
    observation.thread_id = thread


def test_a_task_that_is_done_has_no_stack(hanging: Hanging) -> None:
    """A request whose end was not told, on a loop."""
    observation = hanging.ask_async("/calm/")
    loop = asyncio.new_event_loop()
    task, observation.running_task = observation.running_task, loop.create_task(asyncio.sleep(0))
    loop.run_until_complete(observation.running_task)
    assert sample_of(hanging).data["samples"] == 0
    observation.running_task = task
    loop.close()
