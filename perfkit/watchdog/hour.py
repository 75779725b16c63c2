"""How much has been told of each route within the last hour."""

from __future__ import annotations

from perfkit.watchdog.stall import Name

HOUR_S = 3600.0
#: Routes remembered; of more, the one that was silent for longest is forgotten.
MOST_NAMES = 500


class LastHour:
    """When something was told of a route and method.

    Args:
        most: how often in an hour.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: dict[Name, list[float]] = {}

    def told(self, name: Name, now: float) -> int:
        """Return how often something was told in the hour before."""
        return len(self._recent(name, now))

    def is_full(self, name: Name, now: float) -> bool:
        """Tell whether no more is wanted."""
        return self.told(name, now) >= self._most

    def tell(self, name: Name, now: float) -> None:
        """Note that something is told."""
        recent = self._recent(name, now)
        self._told.pop(name, None)
        if len(self._told) >= MOST_NAMES:
            del self._told[next(iter(self._told))]
        self._told[name] = [*recent, now]

    def _recent(self, name: Name, now: float) -> list[float]:
        return [at for at in self._told.get(name, ()) if now - at < HOUR_S]
