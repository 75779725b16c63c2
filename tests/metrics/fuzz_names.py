"""Send hostile routes, methods and hosts through the real statsd and carbon, and look for each of them there.

    python -m tests.metrics.fuzz_names [count] [seed]

Each name carries a number of its own, so that a line that was not understood, a name that was changed and two names
that became one all show.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perfkit.conf import STATSD_FORMATS
from perfkit.metrics.datagrams import Batch, Client, resolve
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.rows import RouteRow
from perfkit.metrics.spelling import DOGSTATSD, Scope, process_scope, route_scope
from perfkit.metrics.statsd import MetricsWindow, StatsdSink
from tests.figures import tell
from tests.metrics import hostile, servers

#: Rows of one flush, and one row in so many has a duration too.
_ROWS = 2_000
_TIMED = 20


@dataclass(frozen=True)
class Outcome:
    """What became of the names in one format.

    Attributes:
        form: the format.
        names: sent, routes and hosts.
        bad_lines: that statsd or carbon could not read.
        missing: names that carbon does not have, as they were sent.
        wrong: names whose number is not theirs alone.
    """

    form: str
    names: int
    bad_lines: int
    missing: list[str]
    wrong: list[str]

    def __str__(self) -> str:
        return (
            f"{self.form}: {self.names:,} names through statsd and carbon: {self.bad_lines} bad lines, "
            f"{len(self.wrong)} collisions, {len(self.missing)} missing"
        )


def send(form: str, count: int, seed: int, folder: Path) -> Outcome:
    """Send so many routes, each with a method, and as many hosts, and ask carbon for all."""
    rows = _rows(count, seed)
    hosts = [] if form == DOGSTATSD else [text[:300] for text in hostile.texts(count, seed + 1)]
    hosts = list(dict.fromkeys(hosts))
    with (
        servers.carbon(folder) as carbon,
        servers.statsd(folder, flush_ms=500, carbon=carbon.port) as statsd,
    ):
        sink = StatsdSink("127.0.0.1", statsd.port, "fuzz", form)
        for first in range(0, len(rows), _ROWS):
            sink.emit(MetricsWindow(rows[first : first + _ROWS]))
        sink.close()
        client = Client(*resolve("127.0.0.1", statsd.port), statsd.port, "fuzz", form)
        for first in range(0, len(hosts), _ROWS):
            batch: Batch = client.pipeline()
            for number, host in enumerate(hosts[first : first + _ROWS], first + 1):
                batch.count(process_scope(form, host), "elapsed_us", number)
            batch.send()
        batch = client.pipeline()
        batch.count(Scope("last."), "of_all", 1)
        batch.send()
        client.close()
        expected = dict(_expected(form, rows, hosts))
        last = "stats.counters.fuzz.last.of_all.count"
        servers.wait_for("statsd to flush", lambda: bool(carbon.values([last])))
        names = list(expected)
        known: dict[str, list[float]] = {}

        def all_there() -> bool:
            # A flush of 100,000 lines is read in pieces.
            before = len(known)
            known.update(carbon.values(names))
            return len(known) == len(names) or len(known) == before

        servers.wait_for("carbon to read everything", all_there)
        return Outcome(
            form,
            len(rows) + len(hosts),
            statsd.bad_lines() + len(carbon.complaints()),
            [name for name in names if name not in known],
            [name for name, values in known.items() if values != expected[name]],
        )


def _rows(count: int, seed: int) -> list[RouteRow]:
    rows = []
    labels = hostile.texts(count, seed)
    for number, (label, method) in enumerate(zip(labels, hostile.methods(seed), strict=False), 1):
        duration = Histogram()
        if not number % _TIMED:
            duration.record(float(number))
        rows.append(RouteRow(label, method, {"requests": number}, duration))
    return rows


def _expected(
    form: str, rows: list[RouteRow], hosts: list[str]
) -> Iterator[tuple[str, list[float]]]:
    """Yield each series as Graphite knows it, and its values."""
    for number, row in enumerate(rows, start=1):
        scope = route_scope(form, row.label, row.method)
        yield _series("counters", scope, "requests", ".count"), [number]
        if row.duration.count:
            # Four digits count.
            for statistic in (".median", ".upper_95", ".upper_99"):
                yield _series("timers", scope, "duration", statistic), [float(f"{number:.4g}")]
    for number, host in enumerate(hosts, start=1):
        yield _series("counters", process_scope(form, host), "elapsed_us", ".count"), [number]


def _series(kind: str, scope: Scope, metric: str, statistic: str) -> str:
    tags = scope.after or scope.tail.replace("|#", ";").replace(",", ";").replace(":", "=")
    return f"stats.{kind}.fuzz.{scope.before}{metric}{statistic}{tags}"


def main() -> int:
    """Send as many as the command line says, in each format."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    found: Counter[str] = Counter()
    for form in STATSD_FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            outcome = send(form, count, seed, Path(folder))
        tell(str(outcome))
        found["bad"] += outcome.bad_lines + len(outcome.missing) + len(outcome.wrong)
        for name in (*outcome.missing, *outcome.wrong)[:5]:
            tell(f"  {name!r}")
    return int(found["bad"] > 0)


if __name__ == "__main__":
    sys.exit(main())
