"""Statements of the most recent requests with their values: in this process's memory, and nowhere else.

A developer may ask to see the values of a statement, or how the database runs it. What is kept for
that is a few runs of each statement, of a few requests, and only while ``DEBUG`` is true.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

#: Requests whose statements are kept; what belongs to older ones is gone.
MOST_REQUESTS: Final = 25


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a statement, as it was sent; its values are in no text of this object.

    Attributes:
        params: what capture kept of the parameters: the tuple of them, or something else.
    """

    sql: str = field(repr=False)
    params: Any = field(repr=False)
    alias: str
    duration_ms: float


class Recent:
    """The runs of each statement of the latest requests; more are forgotten, oldest first."""

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._requests: OrderedDict[str, Sequence[Sequence[Run]]] = OrderedDict()
        self._lock = Lock()

    def keep(self, request_id: str, statements: Sequence[Sequence[Run]]) -> None:
        """Keep the runs of each statement of a request, in the order of the panel."""
        with self._lock:
            self._requests[request_id] = statements
            self._requests.move_to_end(request_id)
            while len(self._requests) > self._most:
                self._requests.popitem(last=False)

    def runs(self, request_id: str, number: int) -> Sequence[Run]:
        """Return the runs of one statement; none where they are not here, or no more."""
        with self._lock:
            statements = self._requests.get(request_id, ())
        return statements[number] if 0 <= number < len(statements) else ()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()


recent: Final = Recent()
