"""statsd: what a real socket receives is right to the letter, counted right, and bounded."""

from __future__ import annotations

import os
import re
import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.conf import STATSD_FORMATS
from perfkit.metrics import names
from perfkit.metrics.datagrams import (
    BURST_BYTES,
    LOCAL_PACKET_BYTES,
    MOST_PAUSES_S,
    PACKET_BYTES,
    SMALL_PACKET_BYTES,
    Client,
    resolve,
)
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.own import SelfStats
from perfkit.metrics.process import ProcessStats
from perfkit.metrics.rows import RouteRow
from perfkit.metrics.spelling import Scope
from perfkit.metrics.statsd import FLUSH_VALUES, RESOLVE_S, MetricsWindow, StatsdSink

#: A worker that had nothing to do.
IDLE = ProcessStats(0.0, 10.0, 0, 0)

#: The protocol, without what servers forgive: no exponent, no sign, no empty node, nothing after.
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:;[a-z]+=[A-Za-z0-9_-]+)*)"
    r":(?P<values>[0-9.]+\|(?:c|ms)(?:\|@0\.[0-9]+)?(?::[0-9.]+\|ms(?:\|@0\.[0-9]+)?)*)"
    r"(?:\|#(?P<tags>[a-z]+:[a-z0-9_-]+(?:,[a-z]+:[a-z0-9_-]+)*))?"
)
VALUE = re.compile(r"(?P<value>[0-9]+(?:\.[0-9]+)?)\|(?P<type>c|ms)(?:\|@(?P<rate>0\.[0-9]+))?")
#: What a worker tells of itself in each flush.
OWN = tuple(f"perfkit.self.{metric.name}" for metric in names.SELF)


class Server:
    """A statsd on loopback that reads strictly and adds up as the real one does."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self.packets: list[bytes] = []
        self.lines: list[str] = []
        self.counters: Counter[str] = Counter()
        self.timers: dict[str, list[float]] = defaultdict(list)
        self.timer_counts: dict[str, float] = defaultdict(float)

    def read(self) -> Server:
        """Read all that has come."""
        while True:
            try:
                packet = self.socket.recv(65_536)
            except BlockingIOError:
                return self
            self.packets.append(packet)
            for line in packet.decode("ascii").split("\n"):
                self.take(line)

    def pause(self, seconds: float) -> None:
        """Wait as a sink does between bursts: by reading."""
        assert 0 < seconds <= 0.1
        self.read()

    def take(self, line: str) -> None:
        """Add one line up; its tags, in the order in which they came, are a part of its name."""
        found = LINE.fullmatch(line)
        assert found is not None, f"a bad line: {line!r}"
        self.lines.append(line)
        name = found["name"] + (f"#{found['tags']}" if found["tags"] else "")
        for text in found["values"].split(":"):
            value = VALUE.fullmatch(text)
            assert value is not None, f"a bad value: {line!r}"
            if value["type"] == "c":
                assert value["rate"] is None
                self.counters[name] += int(value["value"])
            else:
                self.timers[name].append(float(value["value"]))
                self.timer_counts[name] += 1 / float(value["rate"] or 1)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that is closed after the test."""
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture
def sink(server: Server) -> Iterator[StatsdSink]:
    """A sink of that server, which reads while the sink pauses."""
    made = StatsdSink("127.0.0.1", server.port, "perfkit", own_host="web-1", pause=server.pause)
    yield made
    made.close()


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def durations(count: int) -> Histogram:
    """Durations of 1 ms to 100 ms."""
    made = Histogram()
    for step in range(count):
        made.record(1.0 + 99.0 * step / count)
    return made


#: One of each sum, as ``rows.py`` makes them.
SUMS = {
    "requests": 10, "status_4xx": 1, "status_5xx": 2, "le_t": 7, "le_4t": 8,
    "duration_us": 505_000, "ttfb_us": 400_000, "db_us": 1234.5, "cache_us": 500,
    "queue_us": 7_000, "cpu_us": 90_000, "statements": 31, "duplicates": 4, "n_plus_one": 20,
    "cache_hits": 3, "cache_misses": 0, "response_bytes": 12_345,
}  # fmt: skip


def row(label: str = "/products/<int:pk>/", method: str = "GET", count: int = 10) -> RouteRow:
    """One route's sums over `count` requests."""
    return RouteRow(label, method, {**SUMS, "requests": count}, durations(count))


#: More than one packet: the second one learns what became of the first.
MANY = [row(f"/{number}/", count=200) for number in range(40)]


def test_a_flush_says_what_was_counted(server: Server, sink: StatsdSink) -> None:
    """Every sum but those of zero arrives under the route's name and method."""
    own = SelfStats(1, 12_400.4, 14.6, 3, 0, 2)
    process = ProcessStats(1.5, 10.0, 2, 4, request_s=3.0, cpu_s=0.25)
    sink.emit(MetricsWindow([row()], process, own))
    server.read()
    base = "perfkit.route.products--_pk_.GET"
    sums = {f"{base}.{name}": int(value + 0.5) for name, value in SUMS.items() if value}
    assert server.counters == {
        "perfkit.self.flushes": 1,
        "perfkit.self.flush_us": 12_400,
        "perfkit.self.overhead_us": 15,
        "perfkit.self.dropped": 3,
        "perfkit.self.unsent": 0,
        "perfkit.self.failures": 2,
        "perfkit.process.web-1.elapsed_us": 10_000_000,
        "perfkit.process.web-1.busy_us": 1_500_000,
        "perfkit.process.web-1.request_us": 3_000_000,
        "perfkit.process.web-1.cpu_us": 250_000,
        "perfkit.process.web-1.saturated_us": 250_000,
        "perfkit.process.web-1.in_flight": 2,
        **sums,
    }
    assert set(server.timers) == {f"{base}.duration", "perfkit.process.web-1.in_flight_peak"}
    assert server.timers["perfkit.process.web-1.in_flight_peak"] == [4.0]


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_each_format_says_the_same(server: Server, form: str) -> None:
    """Three spellings of one flush: as many names, the same numbers."""
    sink = StatsdSink("127.0.0.1", server.port, "perfkit", form, own_host="web-1")
    sink.emit(MetricsWindow([row(), row("/"), row(method="POST")], IDLE))
    sink.close()
    server.read()
    requests = [value for name, value in server.counters.items() if "requests" in name]
    assert requests == [10, 10, 10]
    assert len(server.counters) == len(OWN) + 1 + 3 * 16
    assert len(server.timers) == 1 + 3
    assert {tuple(sorted(values)) for values in server.timers.values()} == {
        (0.0,), tuple(sorted(server.timers[max(server.timers)])),
    }  # fmt: skip


def test_the_documentation_lists_every_metric() -> None:
    """The three tables of docs/metrics.rst are the table of the code, word for word."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^``(\w+)`` +(c|ms) +(\S+) +(\S.*?)$", text, re.MULTILINE)
    told = [
        (metric.name, metric.kind, metric.unit, metric.help)
        for metrics in (names.ROUTE, names.PROCESS, names.SELF)
        for metric in metrics
    ]
    assert rows == told


def test_nothing_is_sent_that_the_table_does_not_list(server: Server, sink: StatsdSink) -> None:
    """A reader of the table knows every series."""
    sink.emit(MetricsWindow([row()], IDLE))
    server.read()
    nodes = [line.split(":")[0].split(".") for line in server.lines]
    groups = {"route": names.ROUTE, "process": names.PROCESS, "self": names.SELF}
    for _, group, *_, name in nodes:
        assert name in {metric.name for metric in groups[group]}


def test_few_durations_are_all_sent(server: Server, sink: StatsdSink) -> None:
    """Up to a hundred requests the server has each one, and so exact percentiles."""
    sink.emit(MetricsWindow([row(count=100)]))
    (values,) = server.read().timers.values()
    assert values == pytest.approx([1.0 + 0.99 * step for step in range(100)], rel=0.012)
    assert "|@" not in "".join(server.lines)


@pytest.mark.parametrize("count", [101, 1234, 99_999])
def test_many_durations_are_at_most_a_hundred_values_with_a_rate(
    server: Server, sink: StatsdSink, count: int
) -> None:
    """The server's count is that of the requests, its percentiles those of all."""
    sink.emit(MetricsWindow([row(count=count)]))
    server.read()
    (values,) = server.timers.values()
    (total,) = server.timer_counts.values()
    assert 50 < len(values) <= 100
    assert total == pytest.approx(count, abs=0.01)
    assert sorted(values)[round(0.95 * len(values)) - 1] == pytest.approx(95.0, rel=0.025)


def test_a_huge_count_has_no_exponent(server: Server, sink: StatsdSink) -> None:
    """A rate of 1e-08 would be read as 1."""
    histogram = Histogram()
    histogram.record(5.0, times=10**10)
    sink.emit(MetricsWindow([replace(row(), duration=histogram)]))
    server.read()
    (total,) = server.timer_counts.values()
    assert total == pytest.approx(10**10, rel=1e-8)


def test_dogstatsd_has_one_value_a_line(server: Server) -> None:
    """Datadog's agent, and other servers, read no second one in etsy's way."""
    sink = StatsdSink("127.0.0.1", server.port, "perfkit", "dogstatsd")
    sink.emit(MetricsWindow([row(count=50)]))
    sink.close()
    assert all(line.count("|ms") <= 1 for line in server.read().lines)
    assert max(map(len, server.packets)) <= SMALL_PACKET_BYTES < 4_096
    assert sum(map(len, server.timers.values())) == 50


def test_packets_are_full(server: Server, sink: StatsdSink) -> None:
    """As few packets as lines allow: none too long, and nearly none that is not full."""
    rows = [row(f"/route-{number}/<int:pk>/", count=200) for number in range(40)]
    sink.emit(MetricsWindow(rows))
    server.read()
    sizes = [len(packet) for packet in server.packets]
    assert max(sizes) <= LOCAL_PACKET_BYTES
    longest_line = max(map(len, server.lines))
    assert sum(size < LOCAL_PACKET_BYTES - longest_line for size in sizes) <= 2
    assert sum(server.counters[name] for name in server.counters if "requests" in name) == 8000


def test_a_packet_to_another_machine_fits_a_frame(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only to this machine packets are larger; fragments of one are lost together."""
    monkeypatch.setattr("perfkit.metrics.datagrams.LOCAL_PACKET_BYTES", PACKET_BYTES)
    sink = StatsdSink("127.0.0.1", server.port, "p" * 100, pause=server.pause)
    sink.emit(MetricsWindow([row("/" + "x" * number, count=500) for number in range(300)]))
    sink.close()
    assert 1_300 < max(map(len, server.read().packets)) <= PACKET_BYTES == 1_432
    away = Client(socket.AF_INET, "192.0.2.1", 8125, "")
    assert away.packet_bytes == PACKET_BYTES
    away.close()


@pytest.mark.parametrize(
    ("over", "packets"), [(0, [LOCAL_PACKET_BYTES]), (1, [LOCAL_PACKET_BYTES // 2] * 2)]
)
def test_a_packet_is_filled_to_the_last_byte(server: Server, over: int, packets: list[int]) -> None:
    """Two lines that fit exactly go together, and with one byte more they do not."""
    client = Client(socket.AF_INET, "127.0.0.1", server.port, "", pause=server.pause)
    batch = client.pipeline()
    half = LOCAL_PACKET_BYTES // 2
    batch.count(Scope(""), "x" * (half - len(":1|c")), 1)
    batch.count(Scope(""), "y" * (half - 1 + over - len(":1|c")), 1)
    batch.send()
    client.close()
    assert [len(packet) for packet in server.read().packets] == packets


def test_a_burst_is_bounded_and_nothing_is_lost(server: Server) -> None:
    """After 16,000 bytes the sink waits, and a receiver that reads only then gets all."""
    bursts: list[int] = []

    def pause(seconds: float) -> None:
        before = len(server.packets)
        server.pause(seconds)
        bursts.append(sum(map(len, server.packets[before:])))

    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=pause)
    rows = [row(f"/{number}/", count=150) for number in range(200)]
    sink.emit(MetricsWindow(rows))
    sink.close()
    server.read()
    assert 0.9 * BURST_BYTES < max(bursts) <= BURST_BYTES
    assert len(server.counters) == len(OWN) + 200 * 16
    assert sum(server.timer_counts.values()) == pytest.approx(200 * 150, abs=0.1)


def test_a_process_that_ends_waits_for_nothing(server: Server) -> None:
    """The last flush goes out at once, and so does the rest of one that was being sent."""
    waited: list[float] = []

    def pause(seconds: float) -> bool:
        waited.append(seconds)
        server.read()
        return True

    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=pause)
    sink.emit(MetricsWindow(MANY), hurry=True)
    assert waited == []
    server.read()
    sink.emit(MetricsWindow(MANY))
    assert len(waited) == 1
    sink.close()
    counters = server.read().counters
    assert sum(value for name, value in counters.items() if "requests" in name) == 2 * 8_000


def test_waiting_has_an_end(server: Server) -> None:
    """However many routes a site keeps apart, a flush waits two seconds at most."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        server.read()

    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=pause)
    sink.emit(MetricsWindow([row(f"/{number}/") for number in range(1_500)]))
    sink.close()
    assert sum(waited) == pytest.approx(MOST_PAUSES_S)


def test_many_routes_share_the_values(server: Server, sink: StatsdSink) -> None:
    """A flush has a bound, however many routes there are."""
    sink.emit(MetricsWindow([row(f"/{number}/", count=150) for number in range(500)]))
    server.read()
    assert sum(map(len, server.timers.values())) <= FLUSH_VALUES
    assert {round(total, 3) for total in server.timer_counts.values()} == {150.0}


@given(
    label=st.text(max_size=60),
    method=st.text(max_size=10),
    host=st.text(max_size=30),
    form=st.sampled_from(STATSD_FORMATS),
)
def test_no_label_method_or_host_makes_a_bad_line(
    label: str, method: str, host: str, form: str
) -> None:
    """Whatever a client, a URLconf or a machine is called, each line is one the server understands."""
    server = Server()
    sink = StatsdSink(
        "127.0.0.1", server.port, "perf|kit:x.\n.y", form, own_host=host, pause=server.pause
    )
    sink.emit(MetricsWindow([row(label, method)], IDLE))
    server.read()
    assert len(server.lines) > 10
    assert all(line.startswith("perf_kit_x._.y.") for line in server.lines)
    sink.close()
    server.socket.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, -0.0, 1e300])
def test_no_sum_makes_a_bad_line(server: Server, sink: StatsdSink, value: float) -> None:
    """What is no sum is not sent."""
    odd = replace(row(), counts={**SUMS, "db_us": value, "queue_us": value})
    process = ProcessStats(value, value, 1, 1, value, value)
    sink.emit(MetricsWindow([odd], process, SelfStats(1, value, value)))
    server.read()
    assert not [name for name in server.counters if name.endswith(("db_us", "queue_us"))]
    assert server.counters["perfkit.self.flush_us"] == 0


def test_an_idle_process_still_reports_itself(server: Server, sink: StatsdSink) -> None:
    """Nothing dropped is worth knowing too."""
    sink.emit(MetricsWindow([], own=SelfStats(1)))
    server.read()
    assert server.lines == [
        "perfkit.self.flushes:1|c",
        *(f"{name}:0|c" for name in OWN if not name.endswith("flushes")),
    ]


def test_a_route_without_durations_has_its_sums(server: Server, sink: StatsdSink) -> None:
    """A row may say less than another."""
    sink.emit(MetricsWindow([RouteRow("/", "GET", {"requests": 2}, Histogram())]))
    assert server.read().lines[len(OWN) :] == ["perfkit.route._root.GET.requests:2|c"]


def test_a_task_is_told_as_one(server: Server, sink: StatsdSink) -> None:
    """Celery's tasks have a method of their own, which no client can send."""
    sink.emit(MetricsWindow([RouteRow("shop.tasks.pay", "TASK", {"requests": 2}, Histogram())]))
    line = server.read().lines[-1]
    assert line == "perfkit.route._task--shop--tasks--pay.TASK.requests:2|c"


def test_no_prefix_is_a_prefix_too(server: Server) -> None:
    """A site may put everything at the top."""
    sink = StatsdSink("127.0.0.1", server.port, "")
    sink.emit(MetricsWindow([]))
    sink.close()
    assert server.read().lines[0] == "self.flushes:0|c"


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_a_long_prefix_leaves_room_for_the_line(server: Server, form: str) -> None:
    """No line is longer than a packet to another machine."""
    sink = StatsdSink("127.0.0.1", server.port, "p" * 99 + ".q" * 5000, form)
    sink.emit(MetricsWindow([row("/" + "x" * 5000, "OPTIONS", 5_000)]))
    sink.close()
    assert max(map(len, server.read().lines)) <= PACKET_BYTES
    assert server.lines[0].startswith("p" * 99 + ".self.")


def test_making_a_sink_touches_no_network() -> None:
    """A site starts whether or not its statsd can be found."""
    StatsdSink("does-not-exist.invalid", 8125, "perfkit").close()


@pytest.mark.parametrize(
    "host", ["does-not-exist.invalid", "a" * 300, "nul\0byte", "ä" * 70 + ".invalid", "a..b"]
)
def test_a_name_that_does_not_resolve_is_an_oserror(host: str) -> None:
    """The caller isolates one kind of failure, and the message names the host."""
    sink = StatsdSink(host, 8125, "perfkit")
    with pytest.raises(OSError, match="does not resolve") as raised:
        sink.emit(MetricsWindow([row()]))
    assert repr(host) in str(raised.value)


@pytest.mark.parametrize("port", [0, 70_000, 10**12])
def test_a_port_that_is_none_is_an_oserror(port: int) -> None:
    """A wrong setting is the sink's failure, not the flusher's."""
    with pytest.raises(OSError, match="a port is a number from 1 to 65535"):
        StatsdSink("127.0.0.1", port, "perfkit").emit(MetricsWindow([row()]))


def test_a_server_that_is_away_is_reported_and_found_again() -> None:
    """A closed port is an OSError; once the server is back, the next flush arrives."""
    server = Server()
    server.socket.close()
    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=lambda _: None)
    with pytest.raises(ConnectionRefusedError):
        sink.emit(MetricsWindow(MANY, own=SelfStats(1)))
    back = Server(port=server.port)
    sink.emit(MetricsWindow([row()], own=SelfStats(1)))
    assert back.read().counters["perfkit.route.products--_pk_.GET.requests"] == 10
    assert back.counters["perfkit.self.flushes"] == 2, "what failed is told of perfkit itself"
    assert back.counters["perfkit.self.unsent"] == 8_000
    sink.close()
    back.socket.close()


def test_a_flush_that_found_nobody_costs_the_next_one_nothing() -> None:
    """The system tells with the next packet that the last one was refused; that one arrives."""
    server = Server()
    server.socket.close()
    sink = StatsdSink("127.0.0.1", server.port, "perfkit")
    sink.emit(MetricsWindow([row(count=7)]))  # one packet: nothing is known of it yet
    back = Server(port=server.port)
    with pytest.raises(ConnectionRefusedError, match="Nobody listened"):
        sink.emit(MetricsWindow([row(count=5)]))
    assert back.read().counters["perfkit.route.products--_pk_.GET.requests"] == 5
    assert back.counters["perfkit.self.unsent"] == 7
    sink.close()
    back.socket.close()


def test_an_address_that_cannot_be_reached_is_an_oserror() -> None:
    """The system refuses to send to everybody at once; the socket is given back."""
    with pytest.raises(PermissionError):
        StatsdSink("255.255.255.255", 8125, "perfkit").emit(MetricsWindow([row()]))


def test_an_address_of_either_family_will_do() -> None:
    """An IPv6 address is taken as such; whether the machine has one to send from is its affair."""
    assert resolve("::1", 8125) == (socket.AF_INET6, "::1")
    assert resolve("127.0.0.1", 8125) == (socket.AF_INET, "127.0.0.1")


class Names:
    """A resolver of names that the test controls: the address to give, or the failure."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.address: str | None = "127.0.0.1"
        self.takes_s = 0.0
        self.asked: list[float] = []

    def __call__(self, host: str, port: int, *_: object, **kind: object) -> list[object]:
        if host[0].isdigit():  # pystatsd passes on the address
            return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (host, port))]
        self.asked.append(self.clock.now)
        self.clock.now += self.takes_s
        if self.address is None:
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return [
            (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", (self.address, port)),
        ]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def dns(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Names:
    """The network's names, as the operating system would answer."""
    made = Names(clock)
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


def test_a_name_is_looked_up_once_a_minute(server: Server, clock: Clock, dns: Names) -> None:
    """A server that moves is followed, at the price of one lookup in sixty seconds."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    for _ in range(13):
        sink.emit(MetricsWindow([]))
        clock.now += 10.0
    assert dns.asked == [1000.0, 1060.0, 1120.0]
    assert len(server.read().lines) == 13 * len(OWN)
    other = Server("127.0.0.2", server.port)
    dns.address = "127.0.0.2"
    clock.now += RESOLVE_S
    sink.emit(MetricsWindow([]))
    assert len(other.read().lines) == len(OWN)
    sink.close()
    other.socket.close()


def test_names_that_fail_later_do_not_stop_the_sink(
    server: Server, clock: Clock, dns: Names
) -> None:
    """The last address that worked is kept while the name service is away."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    sink.emit(MetricsWindow([]))
    dns.address = None
    clock.now += RESOLVE_S
    sink.emit(MetricsWindow([]))
    assert len(server.read().lines) == 2 * len(OWN)
    sink.close()


def test_a_lookup_that_hangs_is_not_repeated_at_once(
    server: Server, clock: Clock, dns: Names
) -> None:
    """A slow failure costs the flusher a tenth of its time at most; a quick one is retried."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    dns.address, dns.takes_s = None, 5.0
    for _ in range(6):
        with pytest.raises(OSError, match=r"statsd\.example"):
            sink.emit(MetricsWindow([]))
        clock.now += 10.0
    assert dns.asked == [1000.0, 1055.0]
    clock.now += RESOLVE_S
    dns.address, dns.takes_s = "127.0.0.1", 0.0
    sink.emit(MetricsWindow([]))
    assert len(server.read().lines) == len(OWN)
    sink.close()


def test_a_server_that_is_away_is_looked_up_again_at_once(
    server: Server, clock: Clock, dns: Names
) -> None:
    """It may have moved, and the next flush should find it."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    server.socket.close()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            sink.emit(MetricsWindow(MANY))
        clock.now += 10.0
    assert dns.asked == [1000.0, 1010.0]


def test_a_forked_child_opens_its_own_socket(server: Server, sink: StatsdSink) -> None:
    """Parent and child both go on, each with its own socket."""
    sink.emit(MetricsWindow([]))
    child = os.fork()
    if not child:  # pragma: no cover  # the child leaves no coverage behind
        try:
            parents = sink._client
            sink.emit(MetricsWindow([], own=SelfStats(dropped=40)))
            os._exit(0 if sink._client is not parents else 1)
        except BaseException:  # noqa: BLE001  # pytest must not go on in the child
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    sink.emit(MetricsWindow([], own=SelfStats(dropped=2)))
    assert server.read().counters["perfkit.self.dropped"] == 42
