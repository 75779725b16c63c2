"""A request that never ends, a fork in the midst of one, a store that is locked, a process that ends."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from perfkit import pipeline
from perfkit.profiling import keeping, running, stack_tree
from perfkit.profiling.capture import ENGINES
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.sampler import sampler
from perfkit.profiling.stack_tree import Tree
from perfkit.profiling.token import HEADER
from perfkit.store import captures
from tests.profiling import site
from tests.profiling.conftest import CapturedSite


@pytest.mark.parametrize("engine", ENGINES)
def test_a_request_that_never_ends(
    captured: CapturedSite, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen until then is kept with a note, once, and nothing goes on."""
    monkeypatch.setattr(running, "LONGEST_S", 0.0)
    token = captured.token("/hold/", engine)
    asking = threading.Thread(target=lambda: Client().get("/hold/", headers={HEADER: token}))
    asking.start()
    assert site.held.acquire(timeout=20)
    assert sampler().wait_for_end(20)
    assert not CAPTURING
    captured.seen.flush()
    while not (rows := captures.listed(captured.database, None)):
        captured.seen.flush()
    site.let_go.set()
    asking.join()
    capture = captured.one()
    assert capture.id == rows[0].id
    assert "had not ended after 0 s" in capture.profile.notes[0]


def test_a_fork_in_a_captured_request(captured: CapturedSite, settings: Any) -> None:
    """The child has neither capture nor thread, and keeps nothing; the parent's goes on."""
    told: list[int] = []

    def forking(request: HttpRequest) -> HttpResponse:
        site.first_part()
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 2 * bool(CAPTURING) + 4 * bool(sampler()._is_running)
            finally:
                os._exit(status)
        told.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        site.second_part()
        return HttpResponse("forked")

    site.urlpatterns.append(site.path("fork/", forking))
    from django.urls import clear_url_caches

    clear_url_caches()
    try:
        captured.get("/fork/", captured.token("/fork/"))
    finally:
        site.urlpatterns.pop()
        clear_url_caches()
    assert told == [0]
    assert "second_part" in {frame.function for frame in captured.one().profile.frames}


def test_a_locked_store_gets_it_later(
    captured: CapturedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits in memory, and is written with a later try."""
    token = captured.token("/work/")
    tries: list[str] = []
    save = captures.save

    def locked(*arguments: Any) -> bool:
        tries.append("x")
        if len(tries) < 3:
            raise OSError("locked")
        return save(*arguments)

    monkeypatch.setattr(captures, "save", locked)
    captured.get("/work/", token)
    captured.seen.flush()
    pipeline.sinks().look()
    pipeline.sinks().look()
    assert len(captured.all()) == 1


def test_a_store_that_stays_away(captured: CapturedSite, caplog: pytest.LogCaptureFixture) -> None:
    """The capture is given up after so many tries, and the log says so."""

    def away(*arguments: Any) -> bool:
        raise OSError("away")

    keeper = keeping.CaptureKeeper(away, lambda now: (), 1.0)
    captured.get("/work/", captured.token("/work/"))
    capture = captured.one()
    keeper.keep_made(capture)
    for _ in range(keeping._MOST_TRIES):
        keeper.look()
    assert f"capture {capture.id} is lost" in caplog.text
    assert not keeper._waiting


def test_a_long_request_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, the times still add up, and a note tells."""
    monkeypatch.setattr(stack_tree, "MOST_SAMPLES", 8)
    tree = Tree()
    for at in range(20):
        tree.add([("a", 0), ("b" if at % 3 else "c", 0)], float(at), 1.0)
    assert len(tree.samples) < 8
    assert sum(sample[1] for sample in tree.samples) == 20
    assert "neighbors" in " ".join(tree.notes()) or tree.halved


def test_a_tree_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks that are new end where the tree does."""
    monkeypatch.setattr(stack_tree, "MOST_NODES", 3)
    tree = Tree()
    tree.add([("a", 0), ("b", 0), ("c", 0), ("d", 0)], 0.0, 1.0)
    tree.add([("x", 0)], 1.0, 1.0)
    assert tree.cut_off == 2
    assert len(tree.samples) == 1
    assert "2 stacks were cut off" in tree.notes()[0]
