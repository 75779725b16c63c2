"""What nplusone says while a case runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nplusone.core.profiler import Profiler
from tests.nplusone.accuracy.alerts import Alert


class _Collector(Profiler):
    """Collects what ``Profiler`` would raise at the first message; the listeners are its own."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[tuple[str, str], Alert] = {}

    def notify(self, message: Any) -> None:
        # Its labels happen to be perfkit's kinds.
        self.said[message.label, message.message] = Alert(
            message.message, str(message.field), kind=message.label
        )


def says(run: Callable[[], Any]) -> list[Alert]:
    """Run the code and return nplusone's messages, each once. They name no line."""
    collector = _Collector()
    with collector:
        run()
    return list(collector.said.values())
