"""pyinstrument and cProfile: what they see, when they are refused, and that the request never pays for it."""

from __future__ import annotations

import cProfile
import sys
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from perfkit.profiling import cprofile_engine, engines, fitness
from perfkit.profiling.capture import CPROFILE, ENGINES, PYINSTRUMENT, WAITING
from perfkit.profiling.cprofile_engine import CallCounter
from perfkit.profiling.pyinstrument_engine import NOT_FOLLOWED
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.sampler import sampler
from perfkit.profiling.token import HEADER
from tests.profiling import site
from tests.profiling.conftest import CapturedSite, Get, functions, stacks

SEES_ALL = sys.version_info >= (3, 12)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_sees_the_view(captured: CapturedSite, get: Get, engine: str) -> None:
    """Whatever the server; the page is served in any case."""
    response = get("/work/", captured.token("/work/", engine))
    capture = captured.one()
    assert response.content == b"worked 0"
    assert (response.headers[HEADER], capture.engine) == (capture.id, engine)
    in_worker = get == captured.aget and not (engine == CPROFILE and SEES_ALL)
    if engine == "sampler" or not in_worker:
        assert "work" in {frame.function for frame in capture.profile.frames}


def test_pyinstrument_under_wsgi(captured: CapturedSite) -> None:
    """Real stacks from behind our middleware on, with lines, files and owners."""
    captured.get("/work/", captured.token("/work/", PYINSTRUMENT))
    capture = captured.one()
    found = stacks(capture)
    assert {stack[0] for stack in found} == {"inner"}
    assert any({"work", "first_part", "until_seen"} <= set(stack) for stack in found)
    owners = {frame.function: (frame.file, frame.owner) for frame in capture.profile.frames}
    assert owners["work"] == ("tests/profiling/site.py", "site")
    lines = {node.line for node in capture.profile.nodes}
    assert set(map(int, capture.source["tests/profiling/site.py"])) & lines
    assert NOT_FOLLOWED in capture.profile.notes


def test_pyinstrument_under_asgi(captured: CapturedSite) -> None:
    """Only this task; its waits are told apart, and other tasks are not in them."""

    async def both() -> Any:
        import asyncio

        other = asyncio.create_task(AsyncClient().get("/async-by/"))
        await site.until_held()
        response = await AsyncClient().get("/async/", headers={HEADER: token})
        site.let_go.set()
        await other
        return response

    token = captured.token("/async/", PYINSTRUMENT)
    assert async_to_sync(both)().status_code == 200
    capture = captured.one()
    assert "first_part" in functions(capture)
    assert any(stack[-1] == WAITING and "async_work" in stack for stack in stacks(capture))
    assert not {"async_bystander", "async_foreign"} & functions(capture)


def test_pyinstrument_over_a_streamed_body(captured: CapturedSite) -> None:
    """Each chunk is in it, and nothing of the server between them."""
    response = captured.get("/stream/", captured.token("/stream/", PYINSTRUMENT))
    assert b"".join(response.streaming_content) == b"one,two"
    response.close()
    found = stacks(captured.one())
    assert any("first_part" in stack for stack in found)
    assert any("second_part" in stack for stack in found)
    assert sys.getprofile() is None


def test_pyinstrument_is_not_installed(
    captured: CapturedSite, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is served, with the reason in the header."""
    token = captured.token("/work/", PYINSTRUMENT)
    monkeypatch.setattr(fitness, "find_spec", lambda name: None)
    response = get("/work/", token)
    assert response.content == b"worked 0"
    assert response.headers[HEADER] == "refused; pyinstrument is not installed"


def test_two_profilers_in_one_thread(captured: CapturedSite) -> None:
    """The site's own goes on, ours is refused."""
    token = captured.token("/work/", PYINSTRUMENT)
    calls: list[str] = []

    def own(frame: Any, event: str, arg: Any) -> None:
        calls.append(event)

    sys.setprofile(own)
    try:
        response = captured.get("/work/", token)
        kept = sys.getprofile() is own
    finally:
        sys.setprofile(None)
    assert kept
    assert response.headers[HEADER] == "refused; another profiler is at work in this thread"
    assert response.content == b"worked 0"


def test_cprofile_counts_calls(captured: CapturedSite) -> None:
    """Calls, times and callers, as pstats has them; no stacks, and nothing of perfkit's engine."""
    captured.get("/work/", captured.token("/work/", CPROFILE))
    profile = captured.one().profile
    counts = {profile.frames[each.frame].function: each for each in profile.calls}
    assert (counts["work"].calls, counts["until_seen"].calls) == (1, 2)
    callers = {profile.frames[each.frame].function for each in counts["until_seen"].callers}
    assert callers == {"first_part", "second_part"}
    assert profile.samples == profile.nodes == ()
    assert not any("perfkit/profiling/" in frame.file for frame in profile.frames)
    assert counts["work"].total_ms >= counts["work"].own_ms >= 0


def test_cprofile_is_one_at_a_time(captured: CapturedSite, get: Get) -> None:
    """A second capture is refused and served; the place is free again afterwards."""
    first = CallCounter(False, False)
    first.begin()
    try:
        response = get("/work/", captured.token("/work/", CPROFILE))
    finally:
        first.end()
    assert response.headers[HEADER] == "refused; cProfile is busy with another capture"
    assert get("/work/", captured.token("/work/", CPROFILE)).headers[HEADER] == captured.one().id


def test_another_cprofile_in_the_thread(captured: CapturedSite) -> None:
    """The site's own profiler is left alone, and the page served."""
    token = captured.token("/work/", CPROFILE)
    with cProfile.Profile() as own:
        response = captured.get("/work/", token)
    assert response.content == b"worked 0"
    assert response.headers[HEADER].startswith("refused; another profiler is at work")
    assert any(getattr(entry.code, "co_name", "") == "work" for entry in own.getstats())


@pytest.fixture
def bystander(captured: CapturedSite) -> Any:
    """Have another request run in the process."""
    other = threading.Thread(target=lambda: Client().get("/hold/"))
    other.start()
    assert site.held.acquire(timeout=20)
    yield other
    site.let_go.set()
    other.join()


def test_cprofile_beside_another_request(captured: CapturedSite, bystander: Any) -> None:
    """Before 3.12 its thread is alone in it; from then on it is refused."""
    response = captured.get("/work/", captured.token("/work/", CPROFILE))
    assert response.content == b"worked 0"
    if SEES_ALL:
        assert response.headers[HEADER].startswith("refused; other requests run in the process")
        assert captured.all() == []
    else:
        assert response.headers[HEADER] == captured.one().id


def test_cprofile_beside_other_tasks(captured: CapturedSite, bystander: Any) -> None:
    """Under ASGI it is refused on every version: other requests may be on the same loop."""
    response = captured.aget("/work/", captured.token("/work/", CPROFILE))
    assert response.headers[HEADER].startswith("refused; other requests run in the process")


def test_cprofile_may_be_kept_and_labeled(captured: CapturedSite, bystander: Any) -> None:
    """As the site wants it: the capture says that other requests are in it."""
    captured.seen.configure(CAPTURE_SHARED="label")
    captured.aget("/work/", captured.token("/work/", CPROFILE))
    assert cprofile_engine.SHARED in captured.one().profile.notes


def test_a_request_that_comes_meanwhile(captured: CapturedSite) -> None:
    """It is noticed too: what was counted of it is not kept."""
    counter = CallCounter(True, True)
    counter.begin()
    try:
        captured.get("/loop/")
        assert counter.shared
    finally:
        counter.end()


@pytest.mark.parametrize("engine", [CPROFILE, PYINSTRUMENT])
@pytest.mark.parametrize("step", ["begin", "resume", "pause", "end", "profile"])
def test_an_engine_that_fails(
    captured: CapturedSite, get: Get, engine: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, the page is served and nothing is left running."""

    def fail(self: Any, *args: Any) -> Any:
        raise ZeroDivisionError("of the engine")

    token = captured.token("/work/", engine)
    cls = {CPROFILE: engines.CallCounter, PYINSTRUMENT: engines.Pyinstrument}[engine]
    original = getattr(cls, step)

    def after(self: Any, *args: Any) -> Any:
        original(self, *args)
        raise ZeroDivisionError("of the engine")

    # What cleans up must be done; it fails afterwards.
    monkeypatch.setattr(cls, step, fail if step in ("begin", "profile") else after)
    response = get("/work/", token)
    assert (response.status_code, response.content) == (200, b"worked 0")
    assert not CAPTURING
    captured.seen.flush()
    assert sys.getprofile() is None


@pytest.mark.parametrize(
    "target",
    [
        "perfkit.pipeline.begun",
        "perfkit.pipeline.is_first",
        "perfkit.pipeline.refusal_of",
        "perfkit.pipeline.tell_bearer",
        "perfkit.pipeline.end_capture",
        "perfkit.profiling.admission.RunningCapture.begin",
        "perfkit.profiling.keeping.assembled",
        "perfkit.profiling.sampled.Finder.find",
        "perfkit.profiling.sampled.Sampled.begin",
        "perfkit.profiling.sampled.Sampled.profile",
        "perfkit.profiling.assembly.source_of",
        "perfkit.profiling.assembly.settled",
        "perfkit.store.captures.save",
        "perfkit.pipeline.asked_for",
    ],
)
def test_a_step_that_fails(
    captured: CapturedSite, get: Get, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever part of ours fails, the page is the site's and nothing is left running."""

    def fail(*arguments: Any, **given: Any) -> Any:
        raise ZeroDivisionError("of a step")

    token = captured.token("/loop/")
    monkeypatch.setattr(target, fail)
    monkeypatch.setattr(site, "PATIENCE_S", 0.0)  # nobody may ever see what is done
    response = get("/loop/", token)
    assert (response.status_code, response.content) == (200, b"looped")
    captured.seen.flush()
    for capture in list(CAPTURING.values()):  # where ending it was made to fail
        capture.end()
    assert sampler().wait_for_end(20)
