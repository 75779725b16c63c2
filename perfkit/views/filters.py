"""What the list shows only: read from the query string, one by one, each mistake told."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from perfkit.report.wording import printable

#: Classes of statuses; 0 for any.
STATUSES: Final = (0, 2, 3, 4, 5)
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; the default asks for all.

    Attributes:
        route: part of the route.
        status: class of the status, 5 for 5xx; 0 for any.
        longer_ms: milliseconds at least.
        statements: so many at least.
        loops: only with an N+1 finding.
        mistakes: what was asked for and cannot be.
    """

    route: str = ""
    status: int = 0
    longer_ms: float = 0.0
    statements: int = 0
    loops: bool = False
    mistakes: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.route or self.status or self.longer_ms or self.statements or self.loops)

    def match(self, data: dict[str, Any]) -> bool:
        """Tell whether a kept request is asked for; its route was compared before.

        Args:
            data: of the sample.
        """
        return (
            (not self.status or _number(data.get("status")) // 100 == self.status)
            and _number(data.get("duration_ms")) >= self.longer_ms
            and _number(data.get("statements")) >= self.statements
            and (not self.loops or _number(data.get("in_loops")) > 0)
        )


def filters_of(query: QueryDict) -> Filters:
    """Read the filters.

    Args:
        query: ``request.GET``.
    """
    mistakes: list[str] = []
    return Filters(
        route=query.get("route", "").strip()[:_LONGEST],
        status=int(_at_least_0(query, "status", _("Status"), mistakes, STATUSES)),
        longer_ms=_at_least_0(query, "longer", _("Took at least"), mistakes),
        statements=int(_at_least_0(query, "statements", _("Statements at least"), mistakes)),
        loops=query.get("loops") == "1",
        mistakes=tuple(mistakes),
    )


def _at_least_0(
    query: QueryDict, name: str, label: str, mistakes: list[str], allowed: tuple[int, ...] = ()
) -> float:
    text = query.get(name, "").strip()
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if isfinite(value) and 0 <= value < 1e9 and (not allowed or value in allowed):
        return value
    mistakes.append(
        _("%(label)s: %(value)s is no number from 0 on; it was left out.")
        % {"label": label, "value": repr(printable(text[:40]))}
    )
    return 0.0


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0
