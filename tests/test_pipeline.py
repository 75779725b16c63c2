"""The pipeline: everything reaches its sink, and no failure of ours reaches the site."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import AsyncClient, Client

import perfkit
from perfkit import hooks, pipeline
from perfkit.capture.current import current
from perfkit.isolation import failures
from tests.seen import Seen, heard

pytestmark = pytest.mark.django_db

PERFKIT = "perfkit.middleware.PerfkitMiddleware"


class Fault(RuntimeError):
    """What is injected: nothing else in this test raises it."""


def fault(*args: Any, **kwargs: Any) -> Any:
    """Fail, whatever is asked."""
    raise Fault("injected")


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    """Serve the test pages, with rows to load."""
    settings.ROOT_URLCONF = "tests.pages"
    settings.MIDDLEWARE = [PERFKIT]
    Group.objects.bulk_create(Group(name=name) for name in ("a", "b", "c"))
    return settings


def sync_get(url: str) -> Any:
    """Ask under WSGI."""
    return Client(raise_request_exception=False).get(url)


def async_get(url: str) -> Any:
    """Ask under ASGI."""
    return async_to_sync(AsyncClient(raise_request_exception=False).get)(url)


@pytest.fixture(params=[sync_get, async_get], ids=["sync", "async"])
def get(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Ask for a page, under WSGI and under ASGI."""
    ask: Callable[[str], Any] = request.param
    return ask


@pytest.fixture
def statsd_off_air() -> dict[str, Any]:
    """Send statsd to a port of this host on which nobody listens."""
    return {"HOST": "127.0.0.1", "PORT": 9, "PREFIX": "perfkit"}


def answer_of(response: Any) -> tuple[Any, ...]:
    """Return all that a client gets."""
    return response.status_code, list(response.headers.items()), response.content


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the parts that perfkit's log names, one for each line."""
    messages = [record.getMessage() for record in caplog.records if record.name == "perfkit"]
    return [message.removeprefix("perfkit: ").split(" failed")[0] for message in messages]


#: What is made to fail -> the part that the log names. Every hook, every step, every sink.
FAULTS = {
    "perfkit.capture.sql.locate": "database hook",
    "perfkit.capture.sql.Repeats": "database hook",
    "perfkit.capture.cache.alias_of": "cache hook",
    "perfkit.capture.rows.evaluated_at": "origin hook",
    "perfkit.capture.rows.begin_origin": "origin hook",
    "perfkit.pipeline.get_settings": "begin",
    "perfkit.pipeline.new_trace": "begin",
    "perfkit.pipeline.Observation": "begin",
    "perfkit.observation.Observation.leave": "respond",
    "perfkit.observation.Observation.follow": "respond",
    "perfkit.observation.Observation.finish": "respond",
    "perfkit.pipeline.add_server_timing": "server timing",
    "perfkit.pipeline.flusher": "finish",
    "perfkit.flusher.Flusher.submit": "finish",
    "perfkit.pipeline.Sinks": "flusher",
    "perfkit.pipeline.Sinks.handle": "flusher",
    "perfkit.pipeline.Sinks.flush": "flush",
    "perfkit.pipeline.facts_of": "record",
    "perfkit.pipeline.from_trace": "record",
    "perfkit.pipeline.analyze": "record",
    "perfkit.metrics.thinning.Thinning.weight": "record",
    "perfkit.metrics.aggregate.Aggregate.add": "record",
    "perfkit.metrics.process.ProcessMeter.add": "process metrics",
    "perfkit.metrics.process.ProcessMeter.take": "process metrics",
    "perfkit.metrics.own.OwnMeter.take": "statsd sink",
    "perfkit.samples.keeper.SampleKeeper.consider": "samples",
    "perfkit.metrics.aggregate.Aggregate.take": "flush",
    "perfkit.pipeline.route_rows": "statsd sink",
    "perfkit.metrics.statsd.StatsdSink.emit": "statsd sink",
    "perfkit.store.sink.StoreSink.emit": "store sink",
    "perfkit.watchdog.guard.begin": "watchdog",
    "perfkit.watchdog.guard.take": "watchdog",
    "perfkit.store.sink.opened": "store sink",
    "perfkit.store.append.pack": "store sink",
}


@pytest.mark.parametrize("target", FAULTS)
def test_a_failure_of_ours_stays_with_us(
    seen: Seen,
    get: Callable[[str], Any],
    site: Any,
    statsd_off_air: dict[str, Any],
    target: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Status, headers and body are those of the bare site; one log line names the part."""
    seen.configure(SERVER_TIMING="off", STATSD=statsd_off_air)
    site.MIDDLEWARE = []
    cache.clear()
    bare = answer_of(get("/everything/"))
    site.MIDDLEWARE = [PERFKIT]
    with pytest.MonkeyPatch.context() as injected:
        injected.setattr(target, fault)
        for _ in range(3):
            cache.clear()
            assert answer_of(get("/everything/")) == bare
        current.set(None)  # where leaving was made to fail, it could not be left
        if target != "perfkit.pipeline.flusher":
            seen.flush()
    assert FAULTS[target] in lines(caplog)
    assert len(lines(caplog)) == len(set(lines(caplog))), "a part was logged twice"
    assert "Fault: injected" in caplog.text


#: What may fail while the request still counts, once, with its route and its time.
STILL_COUNTED = [
    "perfkit.capture.sql.locate",
    "perfkit.capture.cache.alias_of",
    "perfkit.capture.rows.evaluated_at",
    "perfkit.pipeline.add_server_timing",
    "perfkit.metrics.statsd.StatsdSink.emit",
]


@pytest.mark.parametrize("target", STILL_COUNTED)
def test_a_failing_part_costs_only_its_own_part(
    seen: Seen, get: Callable[[str], Any], statsd_off_air: dict[str, Any], target: str
) -> None:
    """The request is observed once in spite of it."""
    seen.configure(SERVER_TIMING="always", STATSD=statsd_off_air)
    with pytest.MonkeyPatch.context() as injected:
        injected.setattr(target, fault)
        assert get("/everything/").status_code == 200
        assert seen.window().routes["/everything/", "GET"]["requests"] == 1


@pytest.mark.parametrize("hook", ["sql.install", "cache_hook.install", "rows.install"])
def test_a_hook_that_cannot_be_installed_leaves_the_others(
    seen: Seen, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The site starts and answers, and one line says what is missing."""
    hooks.uninstall()
    try:
        with pytest.MonkeyPatch.context() as injected:
            injected.setattr(f"perfkit.hooks.{hook}", fault)
            assert sync_get("/everything/").status_code == 200
            assert seen.window().requests == 1
    finally:
        hooks.uninstall()
        hooks.install()
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("path", ["tests.failing.analyze", "tests.failing.analyze_late"])
def test_a_failing_analyzer_leaves_the_others(
    seen: Seen, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The site's own bug costs its own findings; the log names its path, once."""
    seen.configure(ANALYZERS=[path, "tests.seen.listen", "perfkit.analyzers.duplicates.analyze"])
    for _ in range(3):
        sync_get("/everything/")
    window = seen.window()
    assert len(heard) == 3
    assert len(window.findings) == 1
    assert lines(caplog) == [f"analyzer {path}"]


def test_an_analyzer_that_does_not_exist_is_told_once(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """A slip in a dotted path costs that analyzer only."""
    seen.configure(ANALYZERS=["tests.failing.nothing_here", "tests.seen.listen"])
    for _ in range(3):
        sync_get("/")
    assert seen.window().requests == 3
    assert len(heard) == 3
    assert lines(caplog) == ["analyzer tests.failing.nothing_here"]


def test_a_failing_stream_hook_leaves_the_body(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of a body that cannot be handed over is no end for the client."""
    with pytest.MonkeyPatch.context() as injected:
        injected.setattr("perfkit.flusher.Flusher.submit", fault)
        body = b"".join(sync_get("/plain-stream/").streaming_content)
    assert body == b"one,two,three"
    assert lines(caplog) == ["finish"]


def test_one_sink_does_not_keep_the_other_from_its_data(
    seen: Seen, statsd_off_air: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A store that cannot be opened leaves statsd its figures, and keeps its own for later."""
    sent: list[Any] = []
    seen.configure(STATSD=statsd_off_air)
    with pytest.MonkeyPatch.context() as injected:
        injected.setattr("perfkit.store.sink.opened", fault)
        injected.setattr(
            "perfkit.metrics.statsd.StatsdSink.emit",
            lambda _, window, **how: sent.append(window),
        )
        sync_get("/")
        seen.flush()
    assert [row.counts["requests"] for window in sent for row in window.rows] == [1]
    assert lines(caplog) == ["store sink"]
    pipeline.sinks().finish()
    assert seen.window().requests == 1


def test_requests_that_the_queue_dropped_are_told(seen: Seen) -> None:
    """What was lost is in the store, for the report to say."""
    sync_get("/")
    pipeline.flusher().dropped += 7
    assert seen.window().dropped["requests"] == 7
    sync_get("/")
    assert seen.window().dropped["requests"] == 7, "told once"


def test_a_recording_around_a_request_sees_its_statements(seen: Seen) -> None:
    """`perfkit.record()` around the test client and the middleware do not take from each other."""
    with perfkit.record() as record:
        sync_get("/asking/")
    assert len([query for query in record.queries if query.verb == "SELECT"]) == 3
    assert seen.window().routes["/asking/", "GET"]["statements"] == 3


def test_figures_of_many_requests_are_exact_whatever_is_analyzed(seen: Seen) -> None:
    """Requests beyond the first ten of a route are thinned out, their counts are not."""
    requests = 35
    seen.configure(ANALYZERS=["tests.seen.listen", "perfkit.analyzers.duplicates.analyze"])
    for _ in range(requests):
        sync_get("/asking/")
    window = seen.window()
    stats = window.routes["/asking/", "GET"]
    assert (stats["requests"], stats["statements"]) == (requests, 3 * requests)
    assert len(heard) < requests
    (finding,) = window.findings.values()
    assert finding.requests <= requests, "a finding is seen in no more requests than there were"
    assert stats["duplicates"] == 2 * finding.requests


def test_slow_requests_are_all_analyzed_and_none_counts_twice(seen: Seen) -> None:
    """A slow statement is looked at whenever it happens, for one request."""
    requests = 35
    analyzers = ["tests.seen.listen", "perfkit.analyzers.duplicates.analyze"]
    seen.configure(ANALYZERS=analyzers, SLOW_QUERY_MS=0.000001)
    for _ in range(requests):
        sync_get("/asking/")
    (finding,) = seen.window().findings.values()
    assert len(heard) == requests
    assert finding.requests == requests


def test_the_first_requests_together_make_one_flusher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threaded worker gets its first requests at once: two flushers would sum up apart."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            pipeline._flushers.clear()
            made: list[Any] = []
            together = threading.Barrier(8)

            def ask(made: list[Any] = made, together: threading.Barrier = together) -> None:
                together.wait()
                made.append(pipeline.flusher())

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(set(made)) == 1
    finally:
        sys.setswitchinterval(interval)


def test_nothing_of_ours_failed_on_a_usual_page(
    seen: Seen, get: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The isolation hides nothing here: no failure was counted and no line logged."""
    for url in ("/", "/everything/", "/gone/", "/crash/", "/nothing/"):
        get(url)
    assert seen.window().requests == 5
    assert lines(caplog) == []
    assert not failures
