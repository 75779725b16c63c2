"""statsd: what a real socket receives is right to the letter, counted right, and bounded."""

from __future__ import annotations

import os
import re
import socket
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics import statsd
from perfkit.metrics.datagrams import BURST_PACKETS, PACKET_BYTES, Client, fixed, resolve
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.statsd import FLUSH_SAMPLES, RESOLVE_S, MetricsWindow, RouteRow, StatsdSink

#: The protocol, without what servers forgive: no exponent, no sign, no empty node, nothing after.
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)"
    r":(?P<value>[0-9]+(?:\.[0-9]+)?)"
    r"\|(?P<type>c|ms|g)"
    r"(?:\|@(?P<rate>0\.[0-9]+))?"
)


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
        self.gauges: dict[str, float] = {}
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
        """Add one line up."""
        found = LINE.fullmatch(line)
        assert found is not None, f"a bad line: {line!r}"
        self.lines.append(line)
        name, value, rate = found["name"], float(found["value"]), float(found["rate"] or 1)
        match found["type"]:
            case "c":
                assert found["rate"] is None
                assert "." not in found["value"], "a counter that is no whole number"
                self.counters[name] += int(found["value"])
            case "g":
                self.gauges[name] = value
            case _:
                self.timers[name].append(value)
                self.timer_counts[name] += 1 / rate


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that is closed after the test."""
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture
def sink(server: Server) -> Iterator[StatsdSink]:
    """A sink of that server, which reads while the sink pauses."""
    made = StatsdSink("127.0.0.1", server.port, "perfkit", pause=server.pause)
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


def row(label: str = "/products/<int:pk>/", method: str = "GET", count: int = 10) -> RouteRow:
    """One route's sums over `count` requests."""
    return RouteRow(
        label=label,
        method=method,
        requests=count,
        status={"2xx": count - 2, "4xx": 1, "5xx": 1},
        duration=durations(count),
        db_ms=1.2345,
        cache_ms=0.5,
        statements=31,
        duplicates=4,
        n_plus_one=20,
        cache_hits=3,
        cache_misses=2,
        response_bytes=12_345,
        queue_ms=7.0,
        queue_requests=9,
    )


def test_a_flush_says_what_was_counted(server: Server, sink: StatsdSink) -> None:
    """Every sum arrives under the route's name and method, times as microseconds."""
    sink.emit(MetricsWindow([row()], dropped=3, flush_ms=12.4, overhead_us=14.6))
    server.read()
    base = "perfkit.route.products._pk_.GET"
    assert server.counters == {
        "perfkit.self.dropped": 3,
        f"{base}.requests": 10,
        f"{base}.status_2xx": 8,
        f"{base}.status_4xx": 1,
        f"{base}.status_5xx": 1,
        f"{base}.db_us": 1235,
        f"{base}.cache_us": 500,
        f"{base}.queue_us": 7000,
        f"{base}.queued": 9,
        f"{base}.statements": 31,
        f"{base}.duplicates": 4,
        f"{base}.n_plus_one": 20,
        f"{base}.cache_hits": 3,
        f"{base}.cache_misses": 2,
        f"{base}.response_bytes": 12_345,
    }
    assert server.gauges == {"perfkit.self.flush_ms": 12, "perfkit.self.overhead_us": 15}
    assert list(server.timers) == [f"{base}.duration"]


def test_the_names_are_those_of_the_documentation(server: Server, sink: StatsdSink) -> None:
    """The module's table lists every name, and there are at most twenty a route."""
    status = dict.fromkeys(("1xx", "2xx", "3xx", "4xx", "5xx", "0xx", "odd"), 1)
    sink.emit(MetricsWindow([replace(row(), status=status)]))
    server.read()
    names = {line.split(":")[0].rsplit(".", 1)[1] for line in server.lines if ".route." in line}
    assert len(names) <= 20
    assert statsd.__doc__ is not None
    table = set(re.findall(r"^(\w+) +(?:\.\. \w+ +)?(?:c|ms) ", statsd.__doc__, re.MULTILINE))
    assert {re.sub(r"status_\w+", "status_1xx", name) for name in names} == table


def test_few_durations_are_all_sent(server: Server, sink: StatsdSink) -> None:
    """Up to a hundred requests the server has each one, and so exact percentiles."""
    sink.emit(MetricsWindow([row(count=100)]))
    (values,) = server.read().timers.values()
    assert values == pytest.approx([1.0 + 0.99 * step for step in range(100)], rel=0.011)
    assert "|@" not in "".join(server.lines)


@pytest.mark.parametrize("count", [101, 1234, 99_999])
def test_many_durations_are_a_hundred_lines_with_a_rate(
    server: Server, sink: StatsdSink, count: int
) -> None:
    """The server's count is that of the requests, its percentiles those of all."""
    sink.emit(MetricsWindow([row(count=count)]))
    server.read()
    (values,) = server.timers.values()
    (total,) = server.timer_counts.values()
    assert len(values) == 100
    assert total == pytest.approx(count, abs=0.01)
    assert sorted(values)[94] == pytest.approx(1.0 + 99.0 * 0.945, rel=0.02)


def test_a_huge_count_has_no_exponent(server: Server, sink: StatsdSink) -> None:
    """A rate of 1e-08 would be read as 1."""
    histogram = Histogram()
    histogram.record(5.0, times=10**10)
    sink.emit(MetricsWindow([replace(row(), duration=histogram)]))
    server.read()
    (total,) = server.timer_counts.values()
    assert total == pytest.approx(10**10, rel=1e-8)


@given(st.floats(min_value=1e-15, max_value=1.0, exclude_max=True))
def test_any_rate_is_written_without_an_exponent(rate: float) -> None:
    """Digits and a dot only, and no count is off by more than a hundred-millionth."""
    text = fixed(rate)
    assert re.fullmatch(r"[01]\.[0-9]*", text)
    assert float(text) == pytest.approx(rate, rel=1e-8)


def test_packets_are_full_and_fit_a_frame(server: Server, sink: StatsdSink) -> None:
    """As few packets as lines allow: none too long, and nearly none that is not full."""
    rows = [row(f"/route-{number}/<int:pk>/", count=200) for number in range(40)]
    sink.emit(MetricsWindow(rows))
    server.read()
    sizes = [len(packet) for packet in server.packets]
    assert max(sizes) <= PACKET_BYTES
    longest_line = max(map(len, server.lines))
    assert sum(size < PACKET_BYTES - longest_line for size in sizes) <= 2
    assert sum(server.counters[name] for name in server.counters if "requests" in name) == 8000


@pytest.mark.parametrize(("over", "packets"), [(0, [PACKET_BYTES]), (1, [716, 716])])
def test_a_packet_is_filled_to_the_last_byte(server: Server, over: int, packets: list[int]) -> None:
    """Two lines that fit exactly go together, and with one byte more they do not."""
    client = Client(socket.AF_INET, "127.0.0.1", server.port, "", server.pause)
    batch = client.pipeline()
    batch.incr("x" * (716 - len(":1|c")))
    batch.incr("y" * (715 + over - len(":1|c")))
    batch.send()
    client.close()
    assert [len(packet) for packet in server.read().packets] == packets


def test_a_burst_is_bounded_and_nothing_is_lost(server: Server) -> None:
    """After fifty packets the sink pauses, and a receiver that reads only then gets all."""
    bursts: list[int] = []

    def pause(seconds: float) -> None:
        before = len(server.packets)
        server.pause(seconds)
        bursts.append(len(server.packets) - before)

    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=pause)
    rows = [row(f"/{number}/", count=150) for number in range(200)]
    sink.emit(MetricsWindow(rows))
    sink.close()
    server.read()
    assert set(bursts) == {BURST_PACKETS}
    assert len(server.counters) == 1 + 200 * 14
    assert sum(server.timer_counts.values()) == pytest.approx(200 * 150, abs=0.1)


def test_many_routes_share_the_samples(server: Server, sink: StatsdSink) -> None:
    """A flush has a bound, however many routes there are."""
    sink.emit(MetricsWindow([row(f"/{number}/", count=150) for number in range(500)]))
    server.read()
    assert sum(map(len, server.timers.values())) <= FLUSH_SAMPLES
    assert {round(total, 3) for total in server.timer_counts.values()} == {150.0}


@given(label=st.text(max_size=60), method=st.text(max_size=10), status=st.text(max_size=5))
def test_no_label_method_or_status_makes_a_bad_line(label: str, method: str, status: str) -> None:
    """Whatever a client, a URLconf or a view made up, each line is one the server understands."""
    server = Server()
    sink = StatsdSink("127.0.0.1", server.port, "perf|kit:x.\n.y", pause=server.pause)
    sink.emit(MetricsWindow([replace(row(label, method), status={status: 3, "2xx": 1})]))
    server.read()
    assert len(server.lines) > 10
    assert all(line.startswith("perf_kit_x._.y.") for line in server.lines)
    sink.close()
    server.socket.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, -0.0, 1e300])
def test_no_sum_makes_a_bad_line(server: Server, sink: StatsdSink, value: float) -> None:
    """What is no sum is not sent."""
    odd = replace(row(), db_ms=value, queue_ms=value)
    sink.emit(MetricsWindow([odd], flush_ms=value, overhead_us=value))
    server.read()
    assert not [name for name in server.counters if name.endswith(("db_us", "queue_us"))]
    assert set(server.gauges.values()) == {0.0}


def test_an_idle_process_still_reports_itself(server: Server, sink: StatsdSink) -> None:
    """Nothing dropped is worth knowing too."""
    sink.emit(MetricsWindow([]))
    server.read()
    assert server.lines == [
        "perfkit.self.dropped:0|c",
        "perfkit.self.flush_ms:0|g",
        "perfkit.self.overhead_us:0|g",
    ]


def test_a_route_without_durations_has_its_sums(server: Server, sink: StatsdSink) -> None:
    """A row may say less than another."""
    sink.emit(MetricsWindow([RouteRow("/", "GET", 2, {}, Histogram())]))
    assert server.read().lines[3:] == ["perfkit.route._root.GET.requests:2|c"]


def test_no_prefix_is_a_prefix_too(server: Server) -> None:
    """A site may put everything at the top."""
    sink = StatsdSink("127.0.0.1", server.port, "")
    sink.emit(MetricsWindow([]))
    sink.close()
    assert server.read().lines[0] == "self.dropped:0|c"


def test_a_long_prefix_leaves_room_for_the_line(server: Server) -> None:
    """No line is longer than a packet."""
    sink = StatsdSink("127.0.0.1", server.port, "p" * 99 + ".q" * 5000)
    sink.emit(MetricsWindow([row("/" + "x" * 5000, "OPTIONS")]))
    sink.close()
    server.read()
    assert max(map(len, server.packets)) <= PACKET_BYTES
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
    sink = StatsdSink("127.0.0.1", server.port, "perfkit", pause=server.pause)
    with pytest.raises(ConnectionRefusedError):
        sink.emit(MetricsWindow([row(count=200)]))
    back = Server(port=server.port)
    sink.emit(MetricsWindow([row()]))
    assert back.read().counters["perfkit.route.products._pk_.GET.requests"] == 10
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
def names(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Names:
    """The network's names, as the operating system would answer."""
    made = Names(clock)
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


def test_a_name_is_looked_up_once_a_minute(server: Server, clock: Clock, names: Names) -> None:
    """A server that moves is followed, at the price of one lookup in sixty seconds."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    for _ in range(13):
        sink.emit(MetricsWindow([]))
        clock.now += 10.0
    assert names.asked == [1000.0, 1060.0, 1120.0]
    assert len(server.read().lines) == 13 * 3
    other = Server("127.0.0.2", server.port)
    names.address = "127.0.0.2"
    clock.now += RESOLVE_S
    sink.emit(MetricsWindow([]))
    assert len(other.read().lines) == 3
    sink.close()
    other.socket.close()


def test_names_that_fail_later_do_not_stop_the_sink(
    server: Server, clock: Clock, names: Names
) -> None:
    """The last address that worked is kept while the name service is away."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    sink.emit(MetricsWindow([]))
    names.address = None
    clock.now += RESOLVE_S
    sink.emit(MetricsWindow([]))
    assert len(server.read().lines) == 6
    sink.close()


def test_a_lookup_that_hangs_is_not_repeated_at_once(
    server: Server, clock: Clock, names: Names
) -> None:
    """A slow failure costs the flusher a tenth of its time at most; a quick one is retried."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    names.address, names.takes_s = None, 5.0
    for _ in range(6):
        with pytest.raises(OSError, match=r"statsd\.example"):
            sink.emit(MetricsWindow([]))
        clock.now += 10.0
    assert names.asked == [1000.0, 1055.0]
    clock.now += RESOLVE_S
    names.address, names.takes_s = "127.0.0.1", 0.0
    sink.emit(MetricsWindow([]))
    assert len(server.read().lines) == 3
    sink.close()


def test_a_server_that_is_away_is_looked_up_again_at_once(
    server: Server, clock: Clock, names: Names
) -> None:
    """It may have moved, and the next flush should find it."""
    sink = StatsdSink("statsd.example", server.port, "perfkit", clock=clock)
    server.socket.close()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            sink.emit(MetricsWindow([row(count=200)]))
        clock.now += 10.0
    assert names.asked == [1000.0, 1010.0]


def test_a_forked_child_opens_its_own_socket(server: Server, sink: StatsdSink) -> None:
    """Parent and child both go on, each with its own socket."""
    sink.emit(MetricsWindow([]))
    child = os.fork()
    if not child:  # pragma: no cover  # the child leaves no coverage behind
        try:
            parents = sink._client
            sink.emit(MetricsWindow([], dropped=40))
            os._exit(0 if sink._client is not parents else 1)
        except BaseException:  # noqa: BLE001  # pytest must not go on in the child
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    sink.emit(MetricsWindow([], dropped=2))
    assert server.read().counters["perfkit.self.dropped"] == 42
