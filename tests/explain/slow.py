"""Runs querysets as a request does, with every statement taken for a slow one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

from perfkit import hooks
from perfkit.analysis import analyze
from perfkit.capture.current import Trace, current
from perfkit.conf import Settings, get_settings
from perfkit.explain.explainer import Explainer
from perfkit.metrics.aggregate import Window
from perfkit.record import Finding, RequestRecord, finding_from
from perfkit.snapshot import from_trace

AT = 1_700_000_000.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


def settings_for(**options: Any) -> Settings:
    """Return settings by which every statement is slow."""
    return replace(get_settings(), slow_query_ms=1e-9, explain=True, analyzers=(), **options)


def run(work: Callable[[], Any], settings: Settings) -> tuple[Trace, RequestRecord]:
    """Do something as a request does it, and return what was captured."""
    hooks.install()
    trace = hooks.new_trace(settings)
    started = perf_counter()
    token = current.set(trace)
    try:
        work()
    finally:
        current.reset(token)
    trace.closed = True
    facts = {"route": "/page/", "method": "GET", "status": 200, "started_at": AT}
    return trace, analyze(from_trace(trace, started, **facts), settings)


class Site:
    """A worker's explainer and its one window."""

    def __init__(self, **options: Any) -> None:
        self.settings = settings_for(**options)
        self.clock = Clock()
        self.window = Window()
        self.explainer = Explainer(self.settings, self.clock)

    def request(self, *work: Callable[[], Any]) -> None:
        """Answer one request."""
        trace, record = run(lambda: [each() for each in work], self.settings)
        self.explainer.collect(trace, record, self.window)

    def flush(self) -> None:
        """Do what the flusher does after each flush."""
        self.explainer.run(lambda at: self.window)

    def explain(self, *work: Callable[[], Any]) -> list[Finding]:
        """Answer one request, flush, and return the findings."""
        self.request(*work)
        self.flush()
        return self.findings()

    def findings(self) -> list[Finding]:
        """Return what the window holds, by message."""
        found = [stats.finding for stats in self.window.findings.values()]
        made = [finding_from(_plain(each)) for each in found if each is not None]
        return sorted(made, key=lambda each: each.message)


def _plain(finding: dict[str, Any]) -> dict[str, Any]:
    return finding
