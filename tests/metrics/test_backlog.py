"""The backlog: few packets whatever the routes, nothing lost, nothing late by more than a minute."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from perfkit.metrics import datagrams
from perfkit.metrics.backlog import LONGEST_S, Backlog
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.rows import RouteRow
from perfkit.metrics.statsd import StatsdSink
from tests.figures import tell
from tests.metrics.traffic import flush_of


def row(label: str, requests: int, errors: int = 0) -> RouteRow:
    """One route with so many requests of 5 ms."""
    duration = Histogram()
    duration.record(5.0, times=requests)
    return RouteRow(label, "GET", {"requests": requests, "status_5xx": errors}, duration)


def labels(backlog: Backlog, now: float) -> list[tuple[str, bool]]:
    """Name what comes first, and what must."""
    return [(each.label, must) for each, must in backlog.ranked(now)]


def test_rows_that_tell_most_come_first_and_errors_before_them() -> None:
    """Nobody waits for a server error."""
    backlog = Backlog()
    backlog.add([row("/quiet/", 1), row("/busy/", 90), row("/broken/", 2, errors=1)], 0.0)
    assert [label for label, _ in labels(backlog, 10.0)] == ["/broken/", "/busy/", "/quiet/"]


def test_a_row_waits_a_minute_at_most() -> None:
    """Then it goes before all others, from when it began to wait."""
    backlog = Backlog()
    backlog.add([row("/quiet/", 1)], 0.0)
    backlog.add([row("/quiet/", 1), row("/busy/", 90)], 50.0)
    assert labels(backlog, LONGEST_S) == [("/quiet/", True), ("/busy/", False)]


def test_rows_of_one_route_become_one() -> None:
    """Sums and durations add up, and the rows that were given stay as they are."""
    backlog = Backlog()
    first, second = row("/a/", 2), row("/a/", 3, errors=1)
    backlog.add([first], 0.0)
    backlog.add([second], 1.0)
    ((together, _),) = backlog.ranked(1.0)
    assert together.counts == {"requests": 5, "status_5xx": 1}
    assert (together.duration.count, first.duration.count, second.duration.count) == (5, 2, 3)
    assert backlog.requests == 5
    backlog.forget(together)
    assert backlog.requests == 0
    assert not list(backlog.ranked(1.0))


def test_room_grows_with_the_requests() -> None:
    """Two packets for each hundred, and a few for a site that has hardly any."""
    assert Backlog().room([row("/", 500)], 1_432) == 9 * 1_432
    assert Backlog().room([row("/", 3)], 1_432) == 4 * 1_432


def test_a_flush_that_sent_too_much_is_made_up_for() -> None:
    """What must not wait is sent, and leaves the next flushes less room, until it is even."""
    backlog = Backlog()
    assert backlog.room([], 1_000) == 4_000
    backlog.filled(9_000)
    assert backlog.room([], 1_000) == -1_000
    backlog.filled(500)
    assert backlog.room([], 1_000) == 2_500
    backlog.filled(0)
    assert backlog.room([], 1_000) == 4_000


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """A UDP socket that takes what comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


def received(receiver: socket.socket) -> list[str]:
    """Return the packets that have come."""
    packets = []
    while True:
        try:
            packets.append(receiver.recv(65_536).decode("ascii"))
        except BlockingIOError:
            return packets


@pytest.mark.parametrize("routes", [5, 20, 40])
def test_packets_to_another_machine_are_few_too(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch, routes: int
) -> None:
    """Ten minutes at 50 requests a second, in packets of 1,432 bytes: the bar holds, no sum is lost."""
    monkeypatch.setattr(datagrams, "LOCAL_PACKET_BYTES", datagrams.PACKET_BYTES)
    clock = Clock()
    port = receiver.getsockname()[1]
    sink = StatsdSink(
        "127.0.0.1", port, "perfkit", own_host="web-1", clock=clock, pause=lambda _: None
    )
    packets: list[str] = []
    counted: Counter[str] = Counter()
    for minute in range(60):
        window = flush_of(500, routes, seed=minute)
        for each in window.rows:
            counted.update({name: int(value + 0.5) for name, value in each.counts.items()})
        sink.emit(window, hurry=minute == 59)
        packets += received(receiver)
        clock.now += 10.0
    sink.close()
    told: Counter[str] = Counter()
    for line in "\n".join(packets).split("\n"):
        name, _, value = line.partition(":")
        if ".route." in name and value.endswith("|c"):
            told[name.rsplit(".", 1)[1]] += int(value[:-2])
    share = len(packets) / (60 * 500)
    tell(
        f"{routes} routes, 50 requests/s, to another machine: {share:.3f} packets a request (bar: 0.02)"
    )
    assert share <= 0.02
    assert {name: pytest.approx(total, abs=3_000) for name, total in (+counted).items()} == told
    assert told["requests"] == 60 * 500


def test_what_waited_is_counted_when_nobody_listens(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flush that fails loses what waited too, and says so."""
    monkeypatch.setattr(datagrams, "LOCAL_PACKET_BYTES", 200)
    sink = StatsdSink("127.0.0.1", receiver.getsockname()[1], "p", pause=lambda _: None)
    window = flush_of(20, 10)
    sink.emit(window)
    assert 0 < sink._backlog.requests < 20
    waiting = sink._backlog.requests
    receiver.close()
    with pytest.raises(ConnectionRefusedError):
        sink.emit(window)
    assert sink._backlog.requests == 0
    assert sink._untold.unsent > waiting
    sink.close()
