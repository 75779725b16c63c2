"""Analyzers that fail, for the tests that inject failures."""

from __future__ import annotations

from collections.abc import Iterable

from perfkit.conf import Settings
from perfkit.record import Finding, RequestRecord


def analyze(record: RequestRecord, settings: Settings) -> Iterable[Finding]:
    """Fail at once."""
    raise ValueError("of the analyzer")


def analyze_late(record: RequestRecord, settings: Settings) -> Iterable[Finding]:
    """Fail while the findings are read."""
    yield from ()
    raise ValueError("of the analyzer, later")
