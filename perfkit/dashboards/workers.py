"""What carries the load: the workers of each host, and perfkit itself."""

from __future__ import annotations

from perfkit.dashboards.expressions import (
    highest,
    named,
    named_by_group,
    per_second,
    percent_by,
    ratio,
    scaled,
    total,
)
from perfkit.dashboards.names import Names
from perfkit.dashboards.panel import MS, Panel, S, Section


def saturation(names: Names) -> Section:
    """Return how full the workers are."""
    keys, lived = names.by_host, names.process("elapsed_us")

    def share(metric: str) -> str:
        return named_by_group(highest(percent_by(keys, (names.process(metric),), lived)))

    def now(metric: str) -> str:
        return scaled(per_second(total(names.process(metric)), names.alive), S)

    queue = ratio((names.requests("queue_us"),), names.requests("requests"), MS)
    panels = (
        Panel(
            "Workers busy, by host",
            "percent",
            (share("busy_us"),),
            "Share of their time in which workers had a request. Above 70 % visitors begin to wait.",
        ),
        Panel(
            "Workers with no room for more, by host",
            "percent",
            (share("saturated_us"),),
            "Share of their time in which a worker could take no other request.",
        ),
        Panel(
            "Requests in flight",
            "",
            (
                named(now("request_us"), "in flight, mean"),
                named(now("elapsed_us"), "workers"),
                named(
                    f"maxSeries({names.process_timer('in_flight_peak', 'upper_99')})",
                    "most at once in a worker",
                ),
            ),
            "Of all hosts together.",
        ),
        Panel(
            "Wait for a worker, mean",
            "ms",
            (named(queue, "queue"),),
            "From the proxy's X-Request-Start to the worker. When it grows, there are too few workers.",
        ),
        Panel(
            "CPU of the workers, by host",
            "percent",
            (share("cpu_us"),),
            "Share of one core for each worker.",
        ),
    )
    return Section("Saturation", panels)


def own(names: Names) -> Section:
    """Return what perfkit costs and what it lost."""
    lost = ("dropped", "unsent", "failures")
    cost = ratio((names.own("overhead_us"),), names.requests("requests"))
    panels = (
        Panel(
            "perfkit's own cost, µs a request",
            "",
            (named(cost, "background"),),
            "CPU time of perfkit's thread, over the requests; none of it is in a request's own time.",
        ),
        Panel(
            "What perfkit lost",
            "",
            tuple(
                named(per_second(names.own(metric), names.alive), f"{metric} a second")
                for metric in lost
            ),
            "Requests not counted, requests whose metrics were lost, and perfkit's own failures. 0 is right.",
        ),
    )
    return Section("perfkit itself", panels)
