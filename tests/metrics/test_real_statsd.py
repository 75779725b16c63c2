"""The real statsd and carbon: names, values, rates and bursts arrive as they were sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit.conf import STATSD_FORMATS
from perfkit.metrics import names
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.rows import RouteRow
from perfkit.metrics.statsd import MetricsWindow, StatsdSink
from tests.figures import tell
from tests.metrics import fuzz_names, hostile, servers
from tests.metrics.traffic import flush_of

#: Names of each kind in the suite; `python -m tests.metrics.fuzz_names` sends 100,000.
SHARE = 1_000
ROOT = Path(__file__).parents[2]
#: As long as a prefix may be.
PREFIX = "perfkit." + "p" * 92


@pytest.fixture
def statsd(tmp_path: Path) -> Iterator[servers.Statsd]:
    """A statsd that never flushes."""
    with servers.statsd(tmp_path) as running:
        yield running


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_hostile_names_go_through_statsd_and_carbon(form: str, tmp_path: Path) -> None:
    """Every route, method and host is in Graphite under a name of its own: no bad line, no collision."""
    outcome = fuzz_names.send(form, SHARE, 7, tmp_path)
    tell(str(outcome))
    assert (outcome.bad_lines, outcome.missing, outcome.wrong) == (0, [], [])
    assert outcome.names >= SHARE


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_the_longest_names_are_files(form: str, tmp_path: Path) -> None:
    """Whisper makes a file of each series, however long its route's pattern."""
    long = [text for text in hostile.texts(3_000, 11) if len(text) > 4_000]
    rows = [RouteRow(label, "OPTIONS", {"requests": 1}, Histogram()) for label in long]
    assert len(rows) > 5
    with (
        servers.carbon(tmp_path, writes=True) as carbon,
        servers.statsd(tmp_path, flush_ms=500, carbon=carbon.port) as statsd,
    ):
        sink = StatsdSink("127.0.0.1", statsd.port, PREFIX, form)
        sink.emit(MetricsWindow(rows))
        sink.close()

        def files() -> int:
            ours = [
                path
                for folder in ("stats/counters/" + PREFIX.replace(".", "/") + "/route", "_tagged")
                for path in (tmp_path / "whisper" / folder).rglob("*.wsp")
            ]
            return len(ours)

        servers.wait_for("carbon to write", lambda: files() >= len(rows))
        assert files() == len(rows)
        assert carbon.complaints() == []


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_every_sum_and_value_arrives(statsd: servers.Statsd, form: str) -> None:
    """Ten seconds of a worker: what the server counts is what was counted, in each format."""
    window = flush_of(500, 8)
    sink = StatsdSink("127.0.0.1", statsd.port, "shop", form, own_host="web-1")
    sink.emit(window, hurry=True)  # nothing waits for a fuller packet
    sink.close()
    statsd.settle()
    counters = {name: value for name, value in statsd.counters().items() if "shop." in name}
    for metric in names.ROUTE:
        if metric.kind == "c":
            here = [value for name, value in counters.items()
                    if ".route." in name and metric.name in name.replace(";", ".").split(".")]  # fmt: skip
            sent = [int(row.counts[metric.name] + 0.5) for row in window.rows]
            assert sorted(here) == sorted(value for value in sent if value), metric.name
    timers = statsd.timers()
    busiest = max(window.rows, key=lambda row: row.counts["requests"])
    assert sum(len(values) for name, values in timers.items() if "duration" in name) >= 300
    assert 50 < max(map(len, timers.values())) <= 100 < busiest.counts["requests"]
    assert statsd.bad_lines() == 0


def test_series_of_a_route_are_at_most_twenty(tmp_path: Path) -> None:
    """With the shipped configuration, each series that carbon keeps of one route and method."""
    with (
        servers.carbon(tmp_path, writes=True) as carbon,
        servers.statsd(tmp_path, flush_ms=500, carbon=carbon.port) as statsd,
    ):
        sink = StatsdSink("127.0.0.1", statsd.port, "perfkit", own_host="web-1")
        sink.emit(flush_of(500, 1))
        sink.close()
        folder = tmp_path / "whisper" / "stats"

        def series() -> list[str]:
            return sorted(path.name for path in folder.glob("*/perfkit/route/**/*.wsp"))

        expected = names.series_of(names.ROUTE)
        servers.wait_for("carbon to write", lambda: len(series()) >= expected)
        tell(f"series of one route and method with every sum above zero: {len(series())} (bar: 20)")
        assert len(series()) == expected <= 20


@pytest.mark.parametrize("count", [139, 10**7])
def test_the_servers_count_is_exact(tmp_path: Path, count: int) -> None:
    """Rates are read as they are meant: with an exponent 10,000,000 requests would count as 100."""
    histogram = Histogram()
    histogram.record(5.0, times=count)
    with (
        servers.carbon(tmp_path) as carbon,
        servers.statsd(
            tmp_path, flush_ms=300, carbon=carbon.port, more="calculatedTimerMetrics: ['count']"
        ) as statsd,
    ):
        sink = StatsdSink("127.0.0.1", statsd.port, "shop")
        sink.emit(MetricsWindow([RouteRow("/", "GET", {}, histogram)]))
        sink.close()
        name = "stats.timers.shop.route._root.GET.duration.count"
        servers.wait_for("statsd to flush", lambda: bool(carbon.values([name])))
        assert carbon.values([name]) == {name: [pytest.approx(count, rel=1e-9)]}


def test_a_burst_of_ten_times_the_traffic_arrives(statsd: servers.Statsd) -> None:
    """Four workers that flush 5,000 requests to 200 routes at the same moment lose nothing to speak of."""
    workers, requests, routes = 4, 5_000, 200
    command = [
        sys.executable,
        "-m",
        "tests.metrics.burst",
        str(statsd.port),
        str(requests),
        str(routes),
    ]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([*command, str(number)], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        for number in range(workers)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=servers.PATIENCE_S)
        assert process.returncode == 0
    statsd.settle()
    counters = statsd.counters()
    told = sum(value for name, value in counters.items() if name.endswith(".requests"))
    share = told / (workers * requests)
    packets = int(counters["statsd.packets_received"])
    tell(
        f"10x burst: {share:.3%} of {workers * requests:,} requests' metrics arrived in {packets} packets (bar: 99.9 %)"
    )
    assert share >= 0.999
    assert statsd.bad_lines() == 0


@pytest.mark.parametrize("routes", [5, 20, 40, 100])
def test_packets_are_few(statsd: servers.Statsd, routes: int) -> None:
    """At 50 requests a second a worker, ten seconds of traffic are at most ten packets."""
    sink = StatsdSink("127.0.0.1", statsd.port, "perfkit", own_host="web-1")
    sink.emit(flush_of(500, routes))
    sink.close()
    statsd.settle()
    packets = (
        int(statsd.counters()["statsd.packets_received"]) - 1
    )  # the last one is the test's own
    tell(f"{routes} routes, 50 requests/s: {packets / 500:.3f} packets a request (bar: 0.02)")
    assert packets / 500 <= 0.02
