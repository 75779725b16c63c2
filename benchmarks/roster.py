"""Every contender by name, in the order of the tables."""

from __future__ import annotations

from contender import Contender
from ours import OURS
from peers import DebugToolbar, NPlusOne, Prometheus, Silk, Zeal
from peers_apm import OpenTelemetry, Scout, Sentry

PEERS: tuple[type[Contender], ...] = (
    Prometheus,
    Zeal,
    NPlusOne,
    OpenTelemetry,
    Scout,
    Sentry,
    Silk,
    DebugToolbar,
)
ROSTER: dict[str, type[Contender]] = {kind.name: kind for kind in (*OURS, *PEERS)}
