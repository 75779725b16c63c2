"""Writes what Graphite computes: sums first and quotients last, so that they hold over hosts and time.

statsd sends no zero, so where requests came and something was not counted its point, or the whole series, is absent.
Each quotient therefore adds nothing times its divisor: ``scale(requests,0)`` is 0 wherever there were requests.
"""

from __future__ import annotations

from perfkit.dashboards.names import Key

#: The functions around a group and what they were given besides, and what is left of them: the group's name.
_INNERMOST = r'"^.*\(([^,()]+)[,)].*$","\1"'


def total(*series: str) -> str:
    """Add up series."""
    return f"sumSeries({','.join(series)})"


def grouped(keys: tuple[Key, ...], *series: str, callback: str = "sum") -> str:
    """Fold series that agree in the keys into one, named by the keys."""
    joined = series[0] if len(series) == 1 else f"group({','.join(series)})"
    return f'groupByNodes({joined},"{callback}",{_written(keys)})'


def percent(numerators: tuple[str, ...], divisor: str) -> str:
    """Write the share that some series have of others, all added up."""
    return f"asPercent({total(*numerators, _zero(divisor))},{total(divisor)})"


def percent_by(keys: tuple[Key, ...], numerators: tuple[str, ...], divisor: str) -> str:
    """Write that share for each group."""
    above = grouped(keys, *numerators, _zero(divisor))
    # Groups are matched by their name: node 0 of it, since a name has no dot within.
    return f"asPercent({above},{grouped(keys, divisor)},0)"


def ratio(numerators: tuple[str, ...], divisor: str, factor: float = 1) -> str:
    """Write a quotient of sums, times a factor."""
    return scaled(percent(numerators, divisor), factor / 100)


def ratio_by(
    keys: tuple[Key, ...], numerators: tuple[str, ...], divisor: str, factor: float = 1
) -> str:
    """Write a quotient for each group, times a factor."""
    return scaled(percent_by(keys, numerators, divisor), factor / 100)


def scaled(series: str, factor: float) -> str:
    """Multiply by a factor."""
    return f"scale({series},{factor:.10g})"


def per_second(series: str, alive: str) -> str:
    """Turn counts into counts a second.

    Args:
        series: what is counted.
        alive: a series that has a point wherever a site was up. There, nothing counted is 0 and no gap; the step that
            has not ended yet is left open.
    """
    return f"transformNull(scaleToSeconds({series},1),0,{alive})"


def burn(good: str, requests: str, window: str, target: float) -> str:
    """Write how many times faster than allowed the error budget was spent over a window before each point.

    Args:
        good: the requests that were good.
        requests: all of them.
        window: as Graphite writes it, such as ``1h``.
        target: share of the requests that ought to be good.
    """
    kept = f'movingSum({total(good, _zero(requests))},"{window}")'
    asked = f'movingSum({total(requests)},"{window}")'
    bad = f"offset(scale(divideSeries({kept},{asked}),-1),1)"
    return scaled(bad, round(1 / (1 - target), 6))


def highest(series: str, count: int = 10) -> str:
    """Keep those that are the highest on average."""
    return f"highestAverage({series},{count})"


def lowest(series: str, count: int = 10) -> str:
    """Keep those that are the lowest on average."""
    return f"lowestAverage({series},{count})"


def named(series: str, name: str) -> str:
    """Give a single line its name in the legend."""
    return f'alias({series},"{name}")'


def named_by_group(series: str) -> str:
    """Give each line the name of its group, and not that of what was computed from it."""
    return f"aliasSub({series},{_INNERMOST})"


def limit(value: float, name: str) -> str:
    """Draw a line at a value."""
    return named(f"dashed(constantLine({value:g}))", name)


def deploys(tag: str) -> str:
    """Draw an upright line at each event that has the tag."""
    return named(f'drawAsInfinite(color(events("{tag}"),"#888888"))', "deploy")


def _zero(series: str) -> str:
    return f"scale({series},0)"


def _written(keys: tuple[Key, ...]) -> str:
    return ",".join(f'"{key}"' if isinstance(key, str) else str(key) for key in keys)
