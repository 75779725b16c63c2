"""The contenders that are not peers: bare Django twice, the floor, and perfkit three ways."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from contender import Contender

ROOT = Path(__file__).resolve().parent.parent


class BareAgain(Contender):
    """A second process of bare Django: how far its figures are from zero is this run's noise."""

    name = "bare again"
    what = "Django alone in a second process: its distance from zero is the noise of this run"


class Floor(Contender):
    """The least that any tool can cost."""

    name = "floor"
    what = "a middleware and a statement wrapper that only pass the call on"

    def settings(self, folder: Path) -> dict[str, Any]:
        """Add the do-nothing middleware."""
        return super().settings(folder) | {"MIDDLEWARE": ["floor.PassThroughMiddleware"]}

    def after_setup(self) -> None:
        """Wrap every connection."""
        from django.db.backends.signals import connection_created
        from floor import wrap_connection

        connection_created.connect(wrap_connection)


class Perfkit(Contender):
    """Perfkit with the one line in ``MIDDLEWARE``, everything at its default."""

    name = "perfkit"
    what = "the middleware line alone: every request recorded, store and flusher on"
    options: ClassVar[dict[str, Any]] = {}

    def missing(self) -> list[str]:
        """Look for this checkout's package first, as it is what the workers import."""
        there = (ROOT / "perfkit" / "middleware.py").exists() or find_spec("perfkit")
        return [] if there else ["perfkit"]

    def settings(self, folder: Path) -> dict[str, Any]:
        """Add the line, and the settings of this variant."""
        return super().settings(folder) | {
            "MIDDLEWARE": ["perfkit.middleware.PerfkitMiddleware"],
            "PERFKIT": self.options,
        }

    def settle(self) -> None:
        """Take the finished requests off the queue: records, analyzers, sums."""
        from perfkit.pipeline import flusher

        flusher().drain()

    def seen(self) -> str:
        """Flush, and read the store as a report does."""
        from perfkit.conf import get_settings
        from perfkit.pipeline import flusher, sinks
        from perfkit.store.read import read

        flusher().drain()
        sinks().flush()
        store = get_settings().store
        routes = read(store, 0).window.routes.values() if store else ()
        requests = sum(int(route["requests"]) for route in routes)
        statements = sum(int(route["statements"]) for route in routes)
        return f"{requests} requests, {statements} statements stored" if requests else ""


class PerfkitOff(Perfkit):
    """Perfkit switched off."""

    name = "perfkit off"
    what = 'PERFKIT = {"ENABLED": False}'
    options = {"ENABLED": False}

    def settle(self) -> None:
        """Nothing to settle."""

    def seen(self) -> str:
        """Nothing must have been installed."""
        from django.db import connection

        return "" if connection.execute_wrappers else "nothing, as it should"


class PerfkitSampled(Perfkit):
    """Perfkit recording one request in ten."""

    name = "perfkit sampled"
    what = 'PERFKIT = {"SAMPLE_RATE": 0.1}: every request timed, one in ten recorded'
    options = {"SAMPLE_RATE": 0.1}


OURS: tuple[type[Contender], ...] = (
    Contender,
    BareAgain,
    Floor,
    PerfkitOff,
    Perfkit,
    PerfkitSampled,
)
