"""Where a request is: in threads, tasks, pools, and in several by turns."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.stacks.locate import NO_THREAD
from tests.watchdog import site_urls
from tests.watchdog.conftest import Hang
from tests.watchdog.hanging import Hanging

#: How each ends that hangs on an event in a thread.
IN_THREAD = ["wait_here", "Event.wait", "Condition.wait"]
#: How each ends that hangs on the loop.
ON_LOOP = ["inner_step", "until_free", "sleep"]
#: How each ends that hangs in the database.
IN_DATABASE = ["run_statement", "CursorWrapper.execute", "run_statement.<lambda>", *IN_THREAD]

SYNC = {
    "/hang/7/": ["hang", *IN_THREAD],
    "/query/": ["query", *IN_DATABASE],
    "/slow-body/": ["slow_body.content", *IN_THREAD],
    # An async view under WSGI: its coroutine, and what that hands back to the thread or to another.
    "/calm/": ["calm", *ON_LOOP],
    "/gathering/": ["gathering", *ON_LOOP],
    "/handed-over/": ["handed_over", "SyncToAsync.__call__", *IN_DATABASE],
    "/to-thread/": ["to_thread", "to_thread", *IN_THREAD],
}
ASYNC = {
    "/calm/": ["calm", *ON_LOOP],
    "/gathering/": ["gathering", *ON_LOOP],
    "/grouped/": ["grouped", "TaskGroup.__aexit__", *ON_LOOP],
    "/waited-for/": ["waited_for", "wait", *ON_LOOP],
    "/shielded/": ["shielded", *ON_LOOP],
    "/async-body/": ["async_body.content", *ON_LOOP],
    "/handed-over/": ["handed_over", "SyncToAsync.__call__", *IN_DATABASE],
    "/to-thread/": ["to_thread", "to_thread", *IN_THREAD],
    # A sync view under ASGI: the thread that its task waits for.
    "/hang/7/": ["hang", *IN_THREAD],
    "/query/": ["query", *IN_DATABASE],
    "/awaited/": ["awaited", "Patience.__await__", *ON_LOOP],
}
#: A middleware that knows no async puts a thread around an async view, and a loop into that.
MIXED = {
    "/calm/": ["sync_only.middleware", "AsyncToSync.__call__", "calm", *ON_LOOP],
    "/query/": ["sync_only.middleware", "AsyncToSync.__call__", "query", *IN_DATABASE],
    "/async-body/": ["async_body.content", *ON_LOOP],
    "/handed-over/": [
        "sync_only.middleware",
        "AsyncToSync.__call__",
        "handed_over",
        "SyncToAsync.__call__",
        *IN_DATABASE,
    ],
}


@pytest.mark.parametrize("url", SYNC)
def test_a_request_under_wsgi(hanging: Hanging, url: str) -> None:
    """Its thread's stack from the view on, and what the thread waits for."""
    hanging.ask(url)
    assert hanging.sees(SYNC[url]) == SYNC[url]


@pytest.mark.parametrize("url", ASYNC)
def test_a_request_under_asgi(hanging: Hanging, url: str) -> None:
    """Its task's coroutines, the tasks they wait for, and the thread that runs what is sync."""
    hanging.ask_async(url)
    assert hanging.sees(ASYNC[url]) == ASYNC[url]


@pytest.mark.parametrize("url", MIXED)
def test_a_sync_middleware_between_async_ones(hang: Hang, hanging_site: Any, url: str) -> None:
    """The parts are one stack, in the order in which they called each other."""
    hanging_site.MIDDLEWARE = [*hanging_site.MIDDLEWARE, "tests.watchdog.site_urls.sync_only"]
    hanging = hang()
    hanging.ask_async(url)
    assert hanging.sees(MIXED[url]) == MIXED[url]


def test_two_requests_on_one_loop_are_told_apart(hanging: Hanging) -> None:
    """Each task has its own coroutines, each waits for its own thread."""
    hanging.ask_async("/calm/")
    hanging.ask_async("/to-thread/")
    hanging.age(11)
    hanging.watchdog.finish()
    samples, _ = hanging.watchdog.take()
    assert {sample.route: sample.data["tree"][0][0].split()[-1] for sample in samples} == {
        "calm": "calm",
        "to_thread": "to_thread",
    }


def test_what_waits_for_a_thread_says_so(hanging: Hanging) -> None:
    """Sync views share a thread where the server gives each client none: one waits for the other."""
    hanging.ask_async("/busy-thread/")
    assert hanging.sees(["busy_thread", "thread)"]) == ["busy_thread", "thread)"]
    assert hanging.lines()[-1] == NO_THREAD


def test_a_task_of_celery_has_the_stack_of_its_thread(hanging: Hanging) -> None:
    """No middleware of ours is on it; a request's thread without one is at something else."""
    observation = hanging.run(site_urls.wait_here)
    assert hanging.lines() == []
    observation.task = "shop.tasks.reindex"
    stack = ["Hanging._start.close_after", "Hanging.run.observed", *IN_THREAD]
    assert hanging.sees(stack) == stack
