"""pystatsd's UDP client where perfkit needs more of it: errors, pauses, tags, several values a line.

Packing and the socket are pystatsd's. It lacks what a fleet needs: ``_send`` swallows every error, a
pipeline is sent without a pause, it refuses tags, and a rate below 1 means that it draws lots, then
writes the rate as Python does (``1e-05``), which a server reads as 1.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from time import sleep
from typing import Final

from statsd.client.udp import Pipeline, StatsClient

from perfkit.metrics.quantiles import rate, short
from perfkit.metrics.spelling import DOGSTATSD, PLAIN, Scope

#: What fits one Ethernet frame after the headers.
PACKET_BYTES: Final = 1432
#: To this machine itself, where frames are large. Linux's default buffer holds the most bytes while
#: its server is busy in packets of 16,000 (12 of them), or of 3,500 (48). macOS and BSD send 9,216.
LOCAL_PACKET_BYTES: Final = 16_000 if sys.platform == "linux" else 8_000
#: To other servers than statsd's own, of which some read 4,096 bytes at a time.
SMALL_PACKET_BYTES: Final = 3_500

#: After so many bytes the sender waits: other workers send at the same moment, and a server that
#: flushes reads nothing for a tenth of a second.
BURST_BYTES: Final = 16_000
PAUSE_S: Final = 0.04
#: Seconds that a flush waits at most, for about 800 kB; what comes then is sent a few at a time.
MOST_PAUSES_S: Final = 2.0
#: In a hurry, as a process ends: half of what the buffer holds, and a shorter wait.
HURRIED_BYTES: Final = 70_000
HURRIED_PAUSE_S: Final = 0.005

#: A line with several values fills half a packet at most, so that it leaves little of one empty.
_LINE_BYTES: Final = 700
_SEND_TIMEOUT_S: Final = 0.25

#: Waits that many seconds; what it returns is true when the rest shall hurry.
Pause = Callable[[float], object]


class Client(StatsClient):
    """A connected client: it learns too when nobody listens there, and raises ``OSError``.

    Args:
        family: ``socket.AF_INET`` or ``AF_INET6``.
        address: numeric, so that pystatsd looks nothing up.
        port: UDP port.
        prefix: before every name.
        form: how the route is told, of which depends what the server can read.
        pause: waits that many seconds; returns whether somebody waits for the rest, which then hurries.

    Attributes:
        packet_bytes: of a full packet.
        packets: sent by the flush.
    """

    def __init__(
        self,
        family: int,
        address: str,
        port: int,
        prefix: str,
        form: str = PLAIN,
        *,
        pause: Pause = sleep,
    ) -> None:
        local = ip_address(address.partition("%")[0]).is_loopback
        small = SMALL_PACKET_BYTES if form == DOGSTATSD else LOCAL_PACKET_BYTES
        self.packet_bytes = small if local else PACKET_BYTES
        # pystatsd fills a packet to one byte less than it is told.
        size = self.packet_bytes + 1
        ipv6 = family == socket.AF_INET6
        super().__init__(address, port, prefix, size, ipv6)  # type: ignore[no-untyped-call]  # pystatsd has no types
        self.address = address
        self._several = form != DOGSTATSD
        self._pause = pause
        self.packets = self._burst = 0
        self._burst_bytes = BURST_BYTES
        self._paused_s = 0.0
        self._sock.settimeout(_SEND_TIMEOUT_S)
        try:
            self._sock.connect(self._addr)
        except OSError:
            self.close()
            raise

    def refused(self) -> bool:
        """Tell whether the last packet found nobody, and forget it: the next one may."""
        return bool(self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def pipeline(self, *, hurry: bool = False) -> Batch:
        """Begin a flush: the server has read the last one long ago.

        Args:
            hurry: the process ends, and nothing else waits.
        """
        self.packets = self._burst = 0
        self._paused_s = 0.0
        self._burst_bytes = HURRIED_BYTES if hurry else BURST_BYTES
        return Batch(self, self._several)

    def close(self) -> None:
        """Close the socket."""
        super().close()  # type: ignore[no-untyped-call]  # pystatsd has no types

    def _send(self, data: str) -> None:  # type: ignore[override]  # pystatsd's base has no argument
        packet = data.encode("ascii")
        if self._burst + len(packet) > self._burst_bytes:
            self._wait()
            self._burst = 0
        self._burst += len(packet)
        self.packets += 1
        self._sock.send(packet)

    def _wait(self) -> None:
        if self._burst_bytes == HURRIED_BYTES:
            sleep(HURRIED_PAUSE_S)
            return
        self._paused_s += PAUSE_S
        if self._pause(PAUSE_S) or self._paused_s >= MOST_PAUSES_S:
            self._burst_bytes = HURRIED_BYTES


class Batch(Pipeline):
    """Lines that wait to be packed.

    Args:
        client: sends the packets.
        several: whether a line may hold several values.

    Attributes:
        bytes: of all lines that were added.
    """

    def __init__(self, client: Client, several: bool) -> None:
        super().__init__(client)  # type: ignore[no-untyped-call]  # pystatsd has no types
        self._several = several
        self.bytes = 0

    def count(self, scope: Scope, name: str, value: int) -> None:
        """Add to a counter."""
        self._line(scope, name, f"{value}|c")

    def timings(self, scope: Scope, name: str, values: Iterable[tuple[float, int]]) -> None:
        """Add values in milliseconds, each with the number of those that it stands for."""
        told: list[str] = []
        size = 0
        for value, weight in values:
            text = f"{short(value)}|ms" + (f"|@{rate(weight)}" if weight > 1 else "")
            told.append(text)
            size += len(text) + 1
            if not self._several or size > _LINE_BYTES:
                self._line(scope, name, ":".join(told))
                told.clear()
                size = 0
        if told:
            self._line(scope, name, ":".join(told))

    def send(self) -> None:
        """Send what was added since, in packets as full as lines allow."""
        super().send()  # type: ignore[no-untyped-call]  # pystatsd has no types

    def _line(self, scope: Scope, name: str, value: str) -> None:
        path = f"{scope.before}{name}{scope.after}"
        prefix = f"{self._prefix}." if self._prefix else ""
        line = f"{prefix}{path}:{value}{scope.tail}"
        self.bytes += len(line) + 1
        self._after(line)  # type: ignore[no-untyped-call]  # pystatsd has no types


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
