"""pystatsd's UDP client where perfkit needs more of it: errors, pauses, samples.

Names, values and packing are pystatsd's own. It lacks three things: ``_send`` swallows every
error, a pipeline is sent without a pause, and a rate below 1 means that it draws lots, then
writes the rate as Python does (``1e-05``), which a server reads as 1.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from math import log10
from typing import Final, Protocol

from statsd.client.udp import Pipeline, StatsClient

#: What fits one Ethernet frame after the headers.
PACKET_BYTES: Final = 1432

#: A receiver that is not reading holds 92 full packets in Linux's default buffer.
BURST_PACKETS: Final = 50
PAUSE_S: Final = 0.01

_SEND_TIMEOUT_S: Final = 0.25


class Batch(Protocol):
    """What is used of pystatsd's pipeline, which has no types of its own."""

    def incr(self, stat: str, count: int = ...) -> None:
        """Add to a counter."""

    def gauge(self, stat: str, value: float) -> None:
        """Set a gauge."""

    def timing(self, stat: str, delta: float, rate: float = ...) -> None:
        """Add a value in milliseconds that stands for ``1 / rate`` values."""

    def send(self) -> None:
        """Send what was added since, in packets as full as lines allow."""


class Client(StatsClient):
    """A connected client: it learns too when nobody listens there, and raises ``OSError``.

    Args:
        family: ``socket.AF_INET`` or ``AF_INET6``.
        address: numeric, so that pystatsd looks nothing up.
        port: UDP port.
        prefix: before every name.
        pause: waits that many seconds.
    """

    def __init__(
        self, family: int, address: str, port: int, prefix: str, pause: Callable[[float], None]
    ) -> None:
        # pystatsd fills a packet to one byte less than it is told.
        size = PACKET_BYTES + 1
        ipv6 = family == socket.AF_INET6
        super().__init__(address, port, prefix, size, ipv6)  # type: ignore[no-untyped-call]  # pystatsd has no types
        self.address = address
        self._pause = pause
        self._burst = 0
        self._sock.settimeout(_SEND_TIMEOUT_S)
        try:
            self._sock.connect(self._addr)
        except OSError:
            self.close()
            raise

    def pipeline(self) -> Batch:
        """Begin a flush: the server has read the last one long ago."""
        self._burst = 0
        return _Samples(self)  # type: ignore[no-untyped-call]  # pystatsd has no types

    def close(self) -> None:
        """Close the socket."""
        super().close()  # type: ignore[no-untyped-call]  # pystatsd has no types

    def _send(self, data: str) -> None:  # type: ignore[override]  # pystatsd's base has no argument
        if self._burst == BURST_PACKETS:
            self._pause(PAUSE_S)
            self._burst = 0
        self._burst += 1
        self._sock.send(data.encode("ascii"))


class _Samples(Pipeline):
    """A pipeline for values that are a sample already."""

    def _prepare(self, stat: str, value: str, rate: float) -> str:
        name = f"{self._prefix}.{stat}" if self._prefix else stat
        return f"{name}:{value}|@{fixed(rate)}" if rate < 1 else f"{name}:{value}"


def fixed(rate: float) -> str:
    """Write a rate between 0 and 1 without an exponent, to ten digits that count."""
    return f"{rate:.{10 - int(log10(rate))}f}".rstrip("0")


def resolve(host: str, port: int) -> tuple[int, str]:
    """Look a name up: family and numeric address, IPv4 first because statsd listens there.

    Raises:
        OSError: there is no such name, or it cannot be one; no such port.
    """
    try:
        if not 0 < port < 65_536:  # the system would take the rest of a division by 65,536
            raise ValueError("a port is a number from 1 to 65535")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        raise OSError(f"statsd host {host!r}, port {port!r} does not resolve: {error}") from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, str(address[0])
