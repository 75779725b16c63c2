"""One thing worth keeping beside the sums: a request in detail, or a request that hung."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

#: Why a sample is kept.
SLOWEST: Final = "slowest"
ERRORED: Final = "errored"
N_PLUS_ONE: Final = "n_plus_one"
STALL: Final = "stall"
KINDS: Final = (SLOWEST, ERRORED, N_PLUS_ONE, STALL)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is kept of one request.

    Attributes:
        kind: one of ``KINDS``.
        route, method: as they are counted.
        at: when the request began, Unix seconds.
        rank: of the same kind, route, method and hour those with the highest rank are kept.
        data: plain JSON without a value of the site's, about 1 kB.
    """

    kind: str
    route: str
    method: str
    at: float
    rank: float
    data: dict[str, Any]
