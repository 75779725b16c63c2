"""The site of the deployment check: the benchmarks' own, which notes how long its last flush took."""

from __future__ import annotations

import os
from time import perf_counter, process_time

from tiny_site import *  # noqa: F403  # settings are module attributes
from tiny_site import BASE_DIR, INSTALLED_APPS, PERFKIT

from perfkit.flusher import Flusher

if os.environ.get("BENCHMARK_STATSD"):
    PERFKIT = {**PERFKIT, "STATSD": {"HOST": os.environ["BENCHMARK_STATSD"], "PORT": 8126}}
if os.environ.get("BENCHMARK_TASKS"):
    INSTALLED_APPS = [*INSTALLED_APPS, "perfkit.celery"]

_stop = Flusher.stop


def stop(self: Flusher) -> None:
    began, used = perf_counter(), process_time()
    _stop(self)
    took, used = perf_counter() - began, process_time() - used
    with (BASE_DIR / "ends").open("a") as ends:
        ends.write(f"{os.getpid()} {took * 1000:.1f} {used * 1000:.1f}\n")


Flusher.stop = stop  # type: ignore[method-assign]
