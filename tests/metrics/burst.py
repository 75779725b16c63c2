"""One worker of several that flush at the same moment: `python -m tests.metrics.burst <port> <requests> <routes> <seed>`."""

from __future__ import annotations

import sys

from perfkit.metrics.statsd import StatsdSink
from tests.figures import tell
from tests.metrics.traffic import flush_of


def main() -> None:
    """Make a flush, say so, wait for a line on standard input, send it, and say how many lines were sent."""
    port, requests, routes, seed = map(int, sys.argv[1:])
    window = flush_of(requests, routes, seed)
    sink = StatsdSink("127.0.0.1", port, "burst", own_host=f"web-{seed}")
    tell("ready")
    sys.stdout.flush()
    sys.stdin.readline()
    sink.emit(window)
    sink.close()
    tell(str(sum(row.counts["requests"] for row in window.rows)))


if __name__ == "__main__":
    main()
