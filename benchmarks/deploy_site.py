"""The site of the deployment check: the benchmarks' own, which notes how long its last flush took."""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_native_id
from time import perf_counter

from tiny_site import *  # noqa: F403  # settings are module attributes
from tiny_site import BASE_DIR, INSTALLED_APPS, PERFKIT

from perfkit.flusher import Flusher

if os.environ.get("BENCHMARK_STATSD"):
    PERFKIT = {**PERFKIT, "STATSD": {"HOST": os.environ["BENCHMARK_STATSD"], "PORT": 8126}}
if os.environ.get("BENCHMARK_TASKS"):
    INSTALLED_APPS = [*INSTALLED_APPS, "perfkit.celery"]

_stop = Flusher.stop


def waited_s() -> float:
    """Tell how long this thread has waited for a CPU that others had."""
    stat = Path(f"/proc/self/task/{get_native_id()}/schedstat")
    return int(stat.read_text().split()[1]) / 1e9 if stat.exists() else 0.0


def stop(self: Flusher) -> None:
    began, waited = perf_counter(), waited_s()
    _stop(self)
    took, waited = perf_counter() - began, waited_s() - waited
    with (BASE_DIR / "ends").open("a") as ends:
        ends.write(f"{os.getpid()} {took * 1000:.1f} {(took - waited) * 1000:.1f}\n")


Flusher.stop = stop  # type: ignore[method-assign]
