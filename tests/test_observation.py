"""One observation: its clocks, its queue, and the end of its body."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from perfkit.capture.current import Trace, current
from perfkit.observation import Observation, queue_ms
from tests.pages import CHUNKS, FILE

#: Closing a response makes Django look after the site's connections.
pytestmark = pytest.mark.django_db

#: A moment of today, in Unix seconds.
NOW = 1_795_000_000.0


class Ended:
    """Where observations end, in order."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []

    def __call__(self, observation: Observation) -> None:
        self.observations.append(observation)


@pytest.fixture
def ended() -> Ended:
    """Collect what ends."""
    return Ended()


def observe(ended: Ended, trace: Trace | None = None, *, shared: bool = False, **meta: Any) -> Any:
    """Begin an observation, as the middleware does."""
    return Observation(RequestFactory().get("/", **meta), trace, shared, ended)


def test_a_whole_response_ends_at_once(ended: Ended) -> None:
    """Status and size are those of the response; the end comes right after the first byte."""
    observation = observe(ended)
    observation.leave()
    observation.follow(HttpResponse(b"four", status=201))
    assert ended.observations == [observation]
    assert (observation.status, observation.sent_bytes, observation.aborted) == (201, 4, False)
    assert 0 < observation.started <= observation.first_byte <= observation.ended


def test_only_the_first_end_counts(ended: Ended) -> None:
    """A body that is closed after its last byte, or twice, is one observation."""
    observation = observe(ended)
    observation.leave()
    response = StreamingHttpResponse(iter(CHUNKS))
    observation.follow(response)
    assert list(response) == CHUNKS
    at = observation.ended
    response.close()
    observation.finish(aborted=True)
    assert ended.observations == [observation]
    assert (observation.ended, observation.aborted) == (at, False)


def test_the_trace_is_current_until_the_first_byte(ended: Ended) -> None:
    """What runs after that is the server's; a trace that was there before is there again."""
    outer, inner = Trace(10, 1.0), Trace(10, 1.0)
    token = current.set(outer)
    try:
        observation = observe(ended, inner)
        assert current.get() is inner
        observation.leave()
        assert current.get() is outer
        assert observation.outer is outer
    finally:
        current.reset(token)


def test_a_trace_is_closed_with_its_request(ended: Ended) -> None:
    """A task that outlives the request records nothing more into it."""
    trace = Trace(10, 1.0)
    observation = observe(ended, trace)
    observation.leave()
    assert not trace.closed
    observation.follow(HttpResponse())
    assert trace.closed


@pytest.mark.parametrize("shared", [True, False])
def test_cpu_time_is_known_where_the_thread_is_the_requests(ended: Ended, shared: bool) -> None:
    """On an event loop the thread's clock counts everybody's work."""
    observation = observe(ended, shared=shared)
    observation.leave()
    assert (observation.cpu_s is None) is shared


def test_an_ended_observation_holds_no_request(ended: Ended) -> None:
    """While it waits for the flusher, an upload or a user must not wait with it."""
    request = RequestFactory().post("/", {"x": "y"}, headers={"X-Request-Start": "t=1.0"})
    observation = Observation(request, None, False, ended)
    observation.leave()
    observation.follow(HttpResponse())
    held = weakref.ref(request)
    del request
    gc.collect()
    assert held() is None
    assert observation.method == "POST"
    assert observation.queue_ms is None  # 1970 is no queue


@pytest.mark.parametrize(
    ("length", "size"), [(None, FILE.stat().st_size), ("junk", None), ("-4", None), ("", None)]
)
def test_a_files_size_is_its_content_length(
    ended: Ended, length: str | None, size: int | None
) -> None:
    """The server sends it; what the header does not say is not known. Junk harms nothing."""
    response = FileResponse(FILE.open("rb"))
    if length is not None:
        response.headers["Content-Length"] = length
    file = response.file_to_stream
    observation = observe(ended)
    observation.leave()
    observation.follow(response)
    assert response.file_to_stream is file
    assert ended.observations == []
    response.close()
    assert ended.observations == [observation]
    assert (observation.sent_bytes, observation.aborted) == (size, False)


def test_an_empty_stream_ends(ended: Ended) -> None:
    """No chunk is no abort."""
    response = StreamingHttpResponse(iter(()))
    observation = observe(ended)
    observation.leave()
    observation.follow(response)
    assert list(response) == []
    assert (observation.sent_bytes, observation.aborted) == (0, False)


def test_an_empty_chunk_is_a_chunk(ended: Ended) -> None:
    """A stream goes on after it, as without us."""
    response = StreamingHttpResponse(iter([b"a", b"", "é", b"b"]))
    observation = observe(ended)
    observation.leave()
    observation.follow(response)
    assert list(response) == [b"a", b"", "é".encode(), b"b"]
    assert observation.sent_bytes == 4


# X-Request-Start ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "waited"),
    [
        (f"t={NOW - 0.25:.3f}", 250),
        (f"{NOW - 0.25:.3f}", 250),
        (f"{(NOW - 0.25) * 1e3:.0f}", 250),
        (f"t={(NOW - 0.25) * 1e6:.0f}", 250),
        (f"  {NOW:.3f} ", 0),
        (f"{NOW - 3_600:.0f}", 3_600_000),
    ],
    ids=["nginx", "seconds", "milliseconds", "microseconds", "now", "an hour"],
)
def test_seconds_milliseconds_and_microseconds_are_told_apart(stamp: str, waited: float) -> None:
    """Each proxy has its unit; the size of today's date says which."""
    assert queue_ms(stamp, NOW) == pytest.approx(waited, abs=0.01)


@pytest.mark.parametrize(
    "stamp",
    [
        "", "t=", "soon", "nan", "inf", "-inf", "1e400", "0", "-1", "0x10", "1,5", "t=t=1",
        f"{NOW + 1}", f"{(NOW + 1) * 1e3:.0f}", f"{(NOW + 1) * 1e6:.0f}", f"{NOW - 3_601}",
        "9" * 400, "\x00", "١٢٣",
    ],
)  # fmt: skip
def test_what_cannot_be_a_queue_is_none(stamp: str) -> None:
    """Junk, the future, and a clock that is an hour off or more."""
    assert queue_ms(stamp, NOW) is None


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_no_header_raises(stamp: str) -> None:
    """A client may send anything."""
    waited = queue_ms(stamp, NOW)
    assert waited is None or 0 <= waited <= 3_600_000


def test_no_header_is_no_queue(ended: Ended) -> None:
    """Without a proxy nothing is known, which is not zero."""
    assert observe(ended).queue_ms is None
    observation = observe(ended, HTTP_X_REQUEST_START="t=soon")
    assert observation.queue_ms is None
