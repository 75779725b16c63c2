"""``contrib/graphite``: what carbon and statsd make of a number with it is still true after a year."""

from __future__ import annotations

import configparser
import re
import socket
import struct
import time
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest

from perfkit.dashboards.server import GraphiteWeb
from tests.dashboards.conftest import wait_until
from tests.services import service

CONTRIB = Path(__file__).parents[2] / "contrib" / "graphite"
#: Of a whisper file: how points are rolled up, over how long, from what share of them on, in how many archives.
HEADER = struct.Struct("!2LfL")
ARCHIVE = struct.Struct("!3L")
#: As whisper numbers them.
METHODS = {1: "average", 2: "sum", 4: "max", 5: "min"}


def send(*lines: str) -> None:
    """Give lines to carbon."""
    host, _, port = service("PERFKIT_TEST_CARBON").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("".join(f"{line}\n" for line in lines).encode())


def file_of(name: str) -> Path:
    """Return where carbon keeps a series."""
    folder = Path(service("PERFKIT_TEST_WHISPER"))
    if ";" in name:
        digest = sha256(name.encode()).hexdigest()
        return folder / "_tagged" / digest[:3] / digest[3:6] / f"{digest}.wsp"
    return folder / f"{name.replace('.', '/')}.wsp"


@pytest.fixture
def prefix() -> str:
    """Give a name that no other test uses."""
    return f"t{uuid4().hex[:12]}.perfkit"


@pytest.mark.parametrize("tags", ["", ";method=GET;route=home"])
@pytest.mark.parametrize(
    ("kind", "ending", "method"),
    [
        ("counters", "requests.count", "sum"),
        ("timers", "duration.median", "average"),
        ("timers", "duration.upper_95", "max"),
        ("timers", "duration.upper_99", "max"),
        ("timers", "duration.lower", "min"),
        ("gauges", "temperature", "average"),
    ],
)
def test_carbon_keeps_a_series_as_its_kind_needs(
    prefix: str, kind: str, ending: str, method: str, tags: str
) -> None:
    """With tags or without: 10 s as statsd flushes, rolled up however few points there are, by its own method."""
    name = f"stats.{kind}.{prefix}.{ending}{tags}"
    send(f"{name} 1 {int(time.time())}")
    file = file_of(name)
    wait_until(lambda: file.exists() and file.stat().st_size > HEADER.size)
    data = file.read_bytes()
    rolled_up, _, share, archives = HEADER.unpack_from(data)
    kept = [
        ARCHIVE.unpack_from(data, HEADER.size + ARCHIVE.size * index)[1:]
        for index in range(archives)
    ]
    assert (METHODS[rolled_up], share) == (method, 0.0)
    assert [(step, step * points // 3600) for step, points in kept] == [
        (10, 6),
        (60, 4 * 24),
        (600, 30 * 24),
        (3600, 400 * 24),
    ]
    # The figure that the README and storage-schemas.conf tell.
    assert round(len(data) / 1000) == 262


@pytest.mark.parametrize("tags", ["", ";method=GET;route=home"])
def test_counts_add_up_in_coarser_steps(graphite: GraphiteWeb, prefix: str, tags: str) -> None:
    """Five of six points of a minute are not lost, and one alone is a minute's sum too."""
    name = f"stats.counters.{prefix}.requests.count{tags}"
    minute = int(time.time()) // 60 * 60 - 600
    full = [f"{name} 7 {minute + second}" for second in range(0, 60, 10)]
    send(*full, f"{name} 5 {minute + 70}")
    target = f'seriesByTag("name={name.partition(";")[0]}")' if tags else name

    def minutes() -> list[list[float]]:
        # From beyond the finest archive on, so that Graphite reads the next one.
        return [line["datapoints"] for line in graphite.render(target, "-7h")]

    assert wait_until(lambda: [each for each in minutes() if len(each) == 2]) == [
        [[42.0, minute], [5.0, minute + 60]]
    ]


@pytest.mark.parametrize("tags", ["", ";method=GET;route=home"])
def test_carbon_drops_the_rates_of_counters(prefix: str, tags: str) -> None:
    """Statsd sends each counter twice; one series of the two is kept, under any prefix that ends in perfkit."""
    rate, count = (f"stats.counters.{prefix}.requests.{what}{tags}" for what in ("rate", "count"))
    now = int(time.time())
    send(f"{rate} 1 {now}", f"{count} 1 {now}")
    wait_until(lambda: file_of(count).exists())
    assert not file_of(rate).exists()


def test_statsd_makes_few_series_of_a_route(graphite: GraphiteWeb, prefix: str) -> None:
    """A timer is three series and a counter one, by the names that the dashboards read."""
    host, _, port = service("PERFKIT_TEST_STATSD").partition(":")
    lines = (f"{prefix}.route.home.GET.requests:3|c", f"{prefix}.route.home.GET.duration:12.5|ms")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto("\n".join(lines).encode(), (host, int(port)))

    def found(kind: str, metric: str) -> list[str]:
        return graphite.find(f"stats.{kind}.{prefix}.route.home.GET.{metric}.*")

    names = wait_until(lambda: (both := found("timers", "duration")) and len(both) > 2 and both)
    assert sorted(names) == ["median", "upper_95", "upper_99"]
    assert wait_until(lambda: found("counters", "requests")) == ["count"]
    assert graphite.find(f"stats.{prefix}.*") == []


def test_the_finest_step_is_statsds_flush() -> None:
    """With a coarser one carbon would keep the last of several flushes."""
    (flush_ms,) = re.findall(r"flushInterval: (\d+)", (CONTRIB / "statsd.js").read_text())
    schemas = configparser.ConfigParser(interpolation=None)
    schemas.read(CONTRIB / "storage-schemas.conf")
    assert schemas["statsd"]["retentions"].startswith(f"{int(flush_ms) // 1000}s:")


def test_patterns_match_with_tags_and_without() -> None:
    """A pattern that ends in a name ends there or at the first tag."""
    for file in ("storage-aggregation.conf", "blacklist.conf"):
        for line in (CONTRIB / file).read_text().splitlines():
            if line.endswith(("$", "$)")):
                assert line.endswith("(;|$)"), line
