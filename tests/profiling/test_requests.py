"""Captured requests, by the sampler: whatever the server, the whole request, and nothing of others."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, re_path

from perfkit.observation import RUNNING
from perfkit.profiling.capture import FRAMEWORK, PAGE, SITE, WAITING
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.token import HEADER
from tests.profiling import site
from tests.profiling.conftest import CapturedSite, Get, functions, stacks


def test_a_request_is_captured(captured: CapturedSite, get: Get) -> None:
    """Its stacks are in the store, under the id that the answer's header names."""
    response = get("/work/", captured.token("/work/"))
    capture = captured.one()
    assert (response.status_code, response.content) == (200, b"worked 0")
    assert response.headers[HEADER] == capture.id
    assert (capture.name, capture.method, capture.status, capture.path) == (
        "/work/",
        "GET",
        200,
        "/work/",
    )
    assert (capture.owner, capture.reason, capture.engine) == ("7", PAGE, "sampler")
    assert {"work", "first_part", "second_part"} <= functions(capture)


def test_stacks_begin_behind_our_middleware(captured: CapturedSite, get: Get) -> None:
    """What the server and the test run around it is not the site's."""
    get("/work/", captured.token("/work/"))
    for stack in stacks(captured.one()):
        assert stack[0] == "convert_exception_to_response.<locals>.inner"
        assert "PerfkitMiddleware.__call__" not in stack


def test_samples_add_up_to_the_time(captured: CapturedSite) -> None:
    """They are in the order of time, do not overlap, and none is longer than the request."""
    captured.get("/work/", captured.token("/work/"))
    capture = captured.one()
    at = 0.0
    for sample in capture.profile.samples:
        assert sample.at_ms >= at - 0.002
        at = sample.at_ms + sample.duration_ms
    assert at <= capture.duration_ms + 1
    parents = [node.parent for node in capture.profile.nodes]
    assert all(parent < index for index, parent in enumerate(parents))


def test_frames_tell_whose_they_are(captured: CapturedSite) -> None:
    """The view is the site's, what Django runs around it is the framework's."""
    captured.get("/work/", captured.token("/work/"))
    owners = {frame.function: frame.owner for frame in captured.one().profile.frames}
    assert owners["work"] == SITE
    assert owners["BaseHandler._get_response"] == FRAMEWORK


def test_statements_findings_and_source_are_in_it(captured: CapturedSite) -> None:
    """Spans on the same clock, the request's findings, the lines as they stand."""
    captured.seen.configure(ANALYZERS=["perfkit.analyzers.nplusone.analyze"])
    Group.objects.bulk_create(Group(name=str(number)) for number in range(6))
    captured.get("/loop/", captured.token("/loop/"))
    capture = captured.one()
    assert len(capture.spans) == 7
    assert all(0 <= span.start_ms <= capture.duration_ms for span in capture.spans)
    assert capture.shapes[0][1] in (1, 6)
    assert [each["kind"] for each in capture.record["findings"]] == ["n_plus_one"]
    assert not {"queries", "paths", "cache_calls"} & set(capture.record)
    lines = capture.source["tests/profiling/site.py"]
    assert any("def until_seen" in text for text in lines.values())


def test_an_unsampled_site_records_what_is_captured(captured: CapturedSite) -> None:
    """SAMPLE_RATE leaves it out of the sums, not out of the capture."""
    captured.seen.configure(SAMPLE_RATE=0)
    captured.get("/work/", captured.token("/work/"))
    assert [span.kind for span in captured.one().spans] == ["cache", "db"]
    (route,) = captured.seen.window().routes.values()
    assert route["recorded"] == 0


def test_the_parts_of_an_async_request(captured: CapturedSite) -> None:
    """On the loop, waiting, in a worker, in tasks it waits for: each is told apart."""
    captured.aget("/async/", captured.token("/async/"))
    found = stacks(captured.one())
    assert any(stack[-1] == WAITING and "wait_a_while" in stack for stack in found)
    assert any("SyncToAsync.thread_handler" in stack and "second_part" in stack for stack in found)
    assert any("child" in stack and "in_child" in stack for stack in found)
    assert all("async_work" in stack for stack in found if "first_part" in stack)


def test_an_async_view_under_wsgi(captured: CapturedSite) -> None:
    """Its coroutine runs in another thread, for this request."""
    captured.get("/async/", captured.token("/async/"))
    assert {"async_work", "first_part", "second_part", "in_child"} <= functions(captured.one())


def test_a_coroutine_in_a_sync_view(captured: CapturedSite, get: Get) -> None:
    """The thread waits for it; what it does is in the stack of the view."""
    get("/over/", captured.token("/over/"))
    assert any(
        {"sync_over_async", "in_a_loop", "first_part"} <= set(stack)
        for stack in stacks(captured.one())
    )


def test_other_threads_are_not_in_it(captured: CapturedSite) -> None:
    """A request that burns the whole time in another thread leaves no frame."""
    other = threading.Thread(target=lambda: Client().get("/by/"))
    other.start()
    assert site.held.acquire(timeout=20)
    captured.get("/work/", captured.token("/work/"))
    site.let_go.set()
    other.join()
    capture = captured.one()
    assert {"first_part", "second_part"} <= functions(capture)
    assert not {"bystander", "foreign"} & functions(capture)


def test_other_tasks_are_not_in_it(captured: CapturedSite) -> None:
    """Requests that take turns on the same loop leave none either."""

    async def both() -> Any:
        import asyncio

        others = [asyncio.create_task(AsyncClient().get("/async-by/")) for _ in range(3)]
        for _ in others:
            await site.until_held()
        response = await AsyncClient().get("/async/", headers={HEADER: token})
        site.let_go.set()
        await asyncio.gather(*others)
        return response

    token = captured.token("/async/")
    assert async_to_sync(both)().status_code == 200
    capture = captured.one()
    assert {"first_part", "second_part", "in_child", WAITING} <= functions(capture)
    assert not {"async_bystander", "async_foreign"} & functions(capture)


def test_a_streamed_body_belongs_to_it(captured: CapturedSite) -> None:
    """The capture goes on to the last chunk."""
    response = captured.get("/stream/", captured.token("/stream/"))
    assert CAPTURING
    assert b"".join(response.streaming_content) == b"one,two"
    response.close()
    assert not CAPTURING
    capture = captured.one()
    assert response.headers[HEADER] == capture.id
    assert {"chunks", "first_part", "second_part"} <= functions(capture)


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
@pytest.mark.parametrize("path", ["/stream/", "/async-stream/"])
def test_a_body_streamed_under_asgi(captured: CapturedSite, path: str) -> None:
    """The same through Django's ASGI handler, for both kinds of iterators."""
    assert captured.served(path, captured.token(path)) == b"one,two"
    assert not CAPTURING
    found = functions(captured.one())
    assert "first_part" in found
    assert {"wait_a_while", WAITING} <= found or "second_part" in found


def test_a_body_that_nobody_reads_ends_it(captured: CapturedSite) -> None:
    """A client that goes away takes the capture's end with it, and what was seen is kept."""
    response = captured.get("/stream/", captured.token("/stream/"))
    next(iter(response.streaming_content))
    response.close()
    assert not CAPTURING
    capture = captured.one()
    assert capture.record["aborted"]
    assert "second_part" not in functions(capture)


def test_a_view_that_fails(captured: CapturedSite, get: Get) -> None:
    """The answer is Django's, the stacks are there, the exception's text is nowhere."""
    response = get("/crash/", captured.token("/crash/"))
    capture = captured.one()
    assert (response.status_code, capture.status) == (500, 500)
    assert "first_part" in functions(capture)
    assert site.SECRET not in json.dumps(capture.to_dict()).replace(SECRET_LINE, "")


#: The test site's own source, which is in the capture, has the secret's text in one line.
SECRET_LINE = 'SECRET = \\"hunter2-of-the-site\\"'


def test_a_middleware_that_knows_no_async(captured: CapturedSite) -> None:
    """It puts our own into a thread; the request is found there."""
    captured.settings.MIDDLEWARE = [
        "perfkit.middleware.PerfkitMiddleware",
        "tests.profiling.conftest.SyncOnly",
    ]
    captured.aget("/work/", captured.token("/work/"))
    assert {"work", "first_part", "second_part"} <= functions(captured.one())


def test_a_templates_lines_are_frames(captured: CapturedSite) -> None:
    """The line of the template stands between the view and what it calls."""
    captured.get("/template/", captured.token("/template/"))
    capture = captured.one()
    profile = capture.profile
    lines = {
        (profile.frames[node.frame].file, node.line)
        for node in profile.nodes
        if profile.frames[node.frame].function == "template"
    }
    assert {("tests/profiling/templates/profiling/shelf.html", line) for line in (2, 3)} <= lines
    assert (
        "{{ shelf.books }}" in capture.source["tests/profiling/templates/profiling/shelf.html"]["3"]
    )
    assert any("template" in stack and "Shelf.books" in stack for stack in stacks(capture))


def test_a_deep_recursion_is_cut_in_the_middle(captured: CapturedSite) -> None:
    """Both ends stay, and a note says so."""
    captured.get("/deep/", captured.token("/deep/"))
    capture = captured.one()
    assert any(
        "(frames left out)" in stack and "deep" in stack and "until_seen" in stack
        for stack in stacks(capture)
    )
    assert any("too deep" in note for note in capture.profile.notes)


def test_nothing_of_the_site_is_held(captured: CapturedSite) -> None:
    """After the end no observation, frame or capture is left."""
    captured.get("/work/", captured.token("/work/"))
    assert not CAPTURING
    assert not RUNNING


def test_no_secret_is_in_the_store(captured: CapturedSite, get: Get) -> None:
    """Neither a parameter, a cache key, a cookie, a query string nor a local name's value."""
    get(f"/work/?q={site.SECRET}", captured.token("/work/"), cookie=f"a={site.SECRET}")
    text = json.dumps(captured.one().to_dict()).replace(SECRET_LINE, "")
    assert site.SECRET not in text


def test_hostile_names_are_kept_as_text(captured: CapturedSite) -> None:
    """A function, a file and a route whose names are markup or thousands of letters long."""
    from django.http import HttpResponse

    def view(request: Any) -> HttpResponse:
        site.first_part()
        return HttpResponse("hostile")

    name = "<script>alert(1)</script>" + "x" * 5_000
    code = view.__code__
    view.__code__ = code.replace(co_qualname=name, co_filename="/etc/passwd")
    site.urlpatterns.append(re_path("^<script>/$", view))
    clear_url_caches()
    try:
        captured.get("/<script>/", captured.token("/<script>/"))
    finally:
        site.urlpatterns.pop()
        clear_url_caches()
    capture = captured.one()
    (frame,) = [each for each in capture.profile.frames if "alert" in each.function]
    assert frame.function == name[:300]
    assert "<script>" in capture.name
    assert "etc/passwd" not in capture.source
    assert "/etc/passwd" not in capture.source
