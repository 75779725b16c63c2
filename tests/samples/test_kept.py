"""From the request to the store: real requests, kept in detail, without a value of theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from perfkit.isolation import failures
from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.metrics.thinning import FIRST, ONE_IN
from perfkit.report.sample_text import lines
from perfkit.samples.keeper import SampleKeeper
from tests.pages import cached, crash, groups, home
from tests.seen import Seen

pytestmark = pytest.mark.django_db

SECRET = "s3cret-value"


class Secretive(Exception):
    pass


def loop(request: HttpRequest) -> HttpResponse:
    """Ask for each row, as often as the visitor says."""
    for number in range(int(request.GET.get("times", 8))):
        list(Group.objects.filter(pk=number))
    return HttpResponse("done")


def secrets(request: HttpRequest, word: str) -> HttpResponse:
    """Use a secret everywhere, and fail with it."""
    Group.objects.filter(name=SECRET).exists()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM auth_group WHERE name = '{SECRET}' -- {SECRET}")
    raise Secretive(SECRET)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Answer in parts, asking in between."""

    def parts() -> Any:
        yield b"one"
        list(Group.objects.all())
        yield b"two"

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("", home),
    path("loop/", loop),
    path("crash/", crash),
    path("groups/", groups),
    path("cached/", cached),
    path("secrets/<str:word>/", secrets),
    path("stream/", stream),
]


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    """Serve the pages of this module."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
    return settings


@pytest.fixture
def watched(seen: Seen) -> Seen:
    """Analyze as a site does."""
    seen.configure(ANALYZERS=["perfkit.analyzers.nplusone.analyze"], SAMPLES_PER_HOUR=2)
    return seen


def get(url: str, **given: Any) -> Any:
    """Ask under WSGI."""
    return Client(raise_request_exception=False).get(url, **given)


def kept(seen: Seen, kind: str) -> list[Sample]:
    """Return the stored samples of a kind."""
    return [sample for sample in seen.stored().samples if sample.kind == kind]


def test_a_slow_request_can_be_opened(watched: Seen) -> None:
    """Its statements and cache calls, in their order, with the line that asked."""
    get("/cached/")
    get("/loop/")
    samples = {sample.route: sample for sample in kept(watched, SLOWEST)}
    assert [entry[2:4] for entry in samples["/cached/"].data["timeline"]] == [
        ["cache", "default get: 1 found, 1 not"],
        ["cache", "default set"],
        ["cache", "default get_many: 1 found, 0 not"],
    ]
    [entry] = samples["/loop/"].data["timeline"]
    assert entry[2] == "db"
    assert entry[3].endswith('FROM "auth_group" WHERE "auth_group"."id" = ?')
    assert entry[4] == 8
    assert entry[5].endswith(" in loop")
    assert samples["/loop/"].data["statements"] == 8


def test_a_failed_request_names_its_exception(watched: Seen) -> None:
    """By its class, under WSGI and ASGI."""
    get("/crash/")
    async_to_sync(AsyncClient(raise_request_exception=False).get)("/crash/")
    found = kept(watched, ERRORED)
    assert [(each.route, each.data["status"], each.data["error"]) for each in found] == [
        ("/crash/", 500, "ValueError"),
        ("/crash/", 500, "ValueError"),
    ]


def test_the_worst_loop_is_kept_though_its_turn_to_be_analyzed_had_not_come(
    watched: Seen,
) -> None:
    """Of many equal requests one in ten is analyzed; the one with more repeats always is."""
    for _ in range(FIRST + 1):
        get("/loop/")
    get("/loop/?times=50")
    for _ in range(ONE_IN // 2):
        get("/loop/")
    best = kept(watched, N_PLUS_ONE)[0]
    assert (best.rank, best.data["in_loops"]) == (50, 50)


def test_a_kept_request_has_its_timeline_though_it_was_not_analyzed(watched: Seen) -> None:
    """The trace is at hand, so it is read when the request is worth it."""
    analyzed = []
    consider = SampleKeeper.consider

    def slower(self: Any, observation: Any, record: Any, window: Any) -> None:
        """Let each take longer than the one before."""
        analyzed.append(bool(record.queries))
        slow = replace(record, duration_ms=1_000.0 * len(analyzed))
        consider(self, observation, slow, window)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SampleKeeper, "consider", slower)
        for _ in range(FIRST + 1):
            get("/groups/")
        watched.flush()
    assert analyzed == [True] * FIRST + [False]
    assert all(sample.data["timeline"] for sample in kept(watched, SLOWEST))


def test_a_streamed_body_is_part_of_the_request(watched: Seen) -> None:
    """What it asks for while it is sent stands in the timeline."""
    assert b"".join(get("/stream/").streaming_content) == b"onetwo"
    [sample] = kept(watched, SLOWEST)
    assert len(sample.data["timeline"]) == 1


def test_no_value_is_kept(watched: Seen) -> None:
    """Not from the URL, the query string, headers, cookies, parameters, literals, or the error."""
    client = Client(raise_request_exception=False, headers={"x-token": SECRET})
    client.cookies["session"] = SECRET
    client.get(f"/secrets/{SECRET}/?token={SECRET}")
    client.post(f"/secrets/{SECRET}/", {"password": SECRET})
    samples = watched.stored().samples
    assert {sample.kind for sample in samples} == {SLOWEST, ERRORED}
    told = json.dumps([[each.route, each.data] for each in samples])
    told += "\n".join(line for sample in samples for line in lines(sample))
    assert "Secretive" in told
    assert SECRET not in told
    assert SECRET.encode() not in watched.path.read_bytes()


def test_a_failure_of_the_keeper_costs_the_samples_only(
    watched: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request counts as ever."""
    monkeypatch.setattr("perfkit.samples.keeper.timeline", lambda record: 1 / 0)
    get("/groups/")
    stored = watched.stored()
    assert (stored.window.requests, stored.samples) == (1, ())
    assert failures["samples"] == 1
