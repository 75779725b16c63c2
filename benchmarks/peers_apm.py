"""The peers that ship spans to a server, with the sending replaced by nothing."""

from __future__ import annotations

import sqlite3.dbapi2
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from peers import Peer


class OpenTelemetry(Peer):
    """OpenTelemetry's Django and DB-API instrumentation, traces and metrics."""

    name = "opentelemetry"
    what = "DjangoInstrumentor + DB-API on sqlite3; batched spans and metrics, in-memory exporters"
    packages = (
        "opentelemetry-sdk",
        "opentelemetry-instrumentation-django",
        "opentelemetry-instrumentation-asgi",
        "opentelemetry-instrumentation-dbapi",
    )

    def before_setup(self) -> None:
        """Install providers, then instrument Django and sqlite3."""
        from opentelemetry import metrics, trace
        from opentelemetry.instrumentation.dbapi import trace_integration
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(BatchSpanProcessor(self.exporter))
        trace.set_tracer_provider(self.provider)
        metrics.set_meter_provider(MeterProvider(metric_readers=[InMemoryMetricReader()]))
        # What opentelemetry-instrumentation-sqlite3 does; its own release lags behind the others.
        trace_integration(sqlite3.dbapi2, "connect", "sqlite", {"database": "name", "user": "user"})
        DjangoInstrumentor().instrument()

    def settle(self) -> None:
        """Export what is in the batch."""
        self.provider.force_flush()

    def seen(self) -> str:
        """Count the exported spans."""
        self.provider.force_flush()
        spans = len(self.exporter.get_finished_spans())
        return f"{spans} spans" if spans else ""

    def tidy(self) -> None:
        """Forget the exported spans, as an exporter to a server would."""
        self.exporter.clear()


class Sentry(Peer):
    """sentry-sdk with tracing of every request."""

    name = "sentry-sdk"
    what = "init(dsn, traces_sample_rate=1.0), Django integration, a transport that drops"
    packages = ("sentry-sdk",)

    def before_setup(self) -> None:
        """Initialize the SDK with a transport which counts envelopes and drops them."""
        import sentry_sdk
        from sentry_sdk.envelope import Envelope
        from sentry_sdk.transport import Transport

        class Dropped(Transport):
            envelopes = 0

            def capture_envelope(self, envelope: Envelope) -> None:
                type(self).envelopes += 1

        self.transport = Dropped
        sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, transport=Dropped)

    def seen(self) -> str:
        """Count the envelopes."""
        return f"{self.transport.envelopes} envelopes" if self.transport.envelopes else ""


class Scout(Peer):
    """scout-apm without its core agent."""

    name = "scout-apm"
    what = "monitor on, no core agent: commands are built and then dropped, never serialized"
    packages = ("scout-apm",)
    apps = ("scout_apm.django",)
    options: ClassVar[dict[str, Any]] = {
        "SCOUT_MONITOR": True,
        "SCOUT_KEY": "key",
        "SCOUT_NAME": "shelf",
        "SCOUT_CORE_AGENT_LAUNCH": False,
        "SCOUT_CORE_AGENT_DOWNLOAD": False,
        "SCOUT_SHUTDOWN_TIMEOUT_SECONDS": 0,
    }
    commands = 0

    def settings(self, folder: Path) -> dict[str, Any]:
        """Keep the agent's files, if any, out of the system's folders."""
        return super().settings(folder) | {"SCOUT_CORE_AGENT_DIR": str(folder)}

    def before_setup(self) -> None:
        """Drop what would go to the core agent."""
        from scout_apm.core.agent.socket import CoreAgentSocketThread

        def drop(command: Callable[..., Any]) -> None:
            self.commands += 1

        CoreAgentSocketThread.send = staticmethod(drop)

    def seen(self) -> str:
        """Count the dropped commands."""
        return f"{self.commands} batches" if self.commands else ""
