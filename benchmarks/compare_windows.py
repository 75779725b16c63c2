"""How often ``perfreport --compare`` is wrong, and how often it finds a slowdown: simulated.

    python benchmarks/compare_windows.py                  # 200 reports of each kind, some minutes
    python benchmarks/compare_windows.py --reports 40

Each report compares 20 routes, 5 figures each. Without any change a report with even one line that
says worse or better is a false alarm; at most 5 % of reports may have one. Then one route is made
20 % slower, and found is a report that says so of this route.
"""

import argparse
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from perfkit.metrics.aggregate import Window
from perfkit.metrics.route_stats import SUMS, RouteStats
from perfkit.report.compare.model import BETTER, WORSE
from perfkit.report.compare.routes import changes, pairs

ROUTES = 20
DAY_S = 86_400
#: How much longer the route takes that is to be found.
SLOWER = 1.2


@dataclass(frozen=True)
class Traffic:
    """How a site behaves, and how it is looked at.

    ``rate`` is requests of a route in one span; ``spread`` is the sigma of the logarithm of their
    times; ``swing`` that of whole spans, ``serial`` its correlation from one to the next; ``cycle``
    is by how much times rise and fall over a day, as a logarithm, and ``busy`` the requests.
    """

    told: str
    spans: int = 24
    step_s: int = 300
    rate: float = 20
    spread: float = 0.7
    swing: float = 0.0
    serial: float = 0.0
    cycle: float = 0.0
    busy: float = 0.0
    partners: bool = False
    #: Every route has a cycle of its own, from none to twice the cycle.
    apart: bool = False


QUIET = (
    Traffic("2 h and 2 h, every request by itself"),
    Traffic("2 h and 2 h, spans swing by 15 %", swing=0.15),
    Traffic("2 h and 2 h, swings last (serial 0.5)", swing=0.15, serial=0.5),
    Traffic("2 h and 2 h, swings last long (serial 0.8)", swing=0.15, serial=0.8),
    Traffic("2 h and 2 h, a few very slow ones", spread=1.5),
    Traffic("30 min and 30 min, few requests", spans=10, step_s=180, rate=6, swing=0.1),
    Traffic("3 h and 3 h, on the slope of the day", step_s=450, cycle=0.3, busy=0.8, swing=0.05),
    Traffic(
        "3 h and 3 h, each route its own slope",
        step_s=450,
        cycle=0.3,
        busy=0.8,
        swing=0.05,
        apart=True,
    ),
    Traffic(
        "yesterday and today",
        step_s=3_600,
        cycle=0.3,
        busy=0.8,
        swing=0.1,
        serial=0.3,
        partners=True,
    ),
    Traffic("6 h and 6 h, on the slope of the day", step_s=900, cycle=0.3, busy=0.8, swing=0.05),
)
SLOWED = (
    Traffic("2 h and 2 h, spans swing by 5 %", swing=0.05),
    Traffic("yesterday and today", step_s=3_600, cycle=0.3, busy=0.8, swing=0.05, partners=True),
)


def window(chance: random.Random, traffic: Traffic, start: int, slowed: str) -> list:
    """Make the spans of one window."""
    made = []
    swings = [chance.gauss(0, 1) for _ in range(ROUTES)]
    for span in range(traffic.spans):
        at = start + span * traffic.step_s
        day = math.sin(2 * math.pi * at / DAY_S)
        held = Window()
        for number in range(ROUTES):
            keep = traffic.serial
            swings[number] = keep * swings[number] + math.sqrt(1 - keep**2) * chance.gauss(0, 1)
            route = f"/{number}/"
            cycle = traffic.cycle * (2 * number / ROUTES if traffic.apart else 1)
            factor = math.exp(traffic.swing * swings[number] + cycle * day)
            factor *= SLOWER if route == slowed else 1.0
            rate = traffic.rate * (1 + traffic.busy * day)
            count = max(round(chance.gauss(rate, math.sqrt(rate))), 0)
            if count:
                held.routes[route, "GET"] = stats_of(chance, traffic, count, factor)
        made.append((at, held))
    return made


def stats_of(chance: random.Random, traffic: Traffic, count: int, factor: float) -> RouteStats:
    """Make the sums of one route in one span: 1 % errors, 4 to 6 statements."""
    stats = RouteStats()
    sums = dict.fromkeys(("total_ms", "errors", "statements"), 0.0)
    for _ in range(count):
        took_ms = 50 * factor * chance.lognormvariate(0, traffic.spread)
        stats.duration.record(took_ms)
        sums["total_ms"] += took_ms
        sums["errors"] += chance.random() < 0.01
        sums["statements"] += chance.randint(4, 6)
    for name, value in {**sums, "requests": count, "recorded": count}.items():
        stats.sums[SUMS.index(name)] = value
    return stats


def reports(traffic: Traffic, number: int, slowed: str = "") -> Iterator[dict[str, str]]:
    """Yield what each report says of each route."""
    chance = random.Random(7)
    length = traffic.spans * traffic.step_s
    shift = DAY_S if traffic.partners else None
    # The slope of the day is steepest where its sine is 0.
    start = 0 if traffic.partners else 10 * DAY_S - length
    for _ in range(number):
        steps = (
            window(chance, traffic, start, ""),
            window(chance, traffic, start + (shift or length), slowed),
        )
        wholes = tuple(whole(each) for each in steps)
        keys = sorted(set(wholes[0]) & set(wholes[1]))
        told, _ = changes(pairs(keys, wholes, steps), shift)
        yield {each.route: each.verdict for each in told}


def whole(steps: list) -> dict:
    """Add a window's spans up."""
    sums: dict = {}
    for _, held in steps:
        for key, stats in held.routes.items():
            sums.setdefault(key, RouteStats()).merge(stats)
    return sums


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=200, help="of each kind; default 200")
    number = parser.parse_args().reports
    print(f"Nothing changed: reports with a false alarm, of {number}; at most 5 % are promised")
    for traffic in QUIET:
        wrong = sum(
            any(verdict in (WORSE, BETTER) for verdict in told.values())
            for told in reports(traffic, number)
        )
        print(f"  {traffic.told:<46} {wrong / number:6.1%}", flush=True)
    print("One route of 20 got 20 % slower: reports that say so, and say it of another route")
    for base in SLOWED:
        for rate in (20, 50, 100, 200):
            traffic = replace(base, rate=rate)
            few = max(number // 4, 10)
            told = list(reports(traffic, few, "/3/"))
            found = sum(each["/3/"] == WORSE for each in told)
            others = sum(
                any(each[route] in (WORSE, BETTER) for route in each if route != "/3/")
                for each in told
            )
            requests = rate * traffic.spans
            print(
                f"  {traffic.told:<34} {requests:>6,} requests {found / few:6.1%} {others / few:6.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
