"""A loop over rows, the edit that a finding must name for it, and what the loop reads afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db.models import (
    Avg,
    Count,
    Exists,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Sum,
    prefetch_related_objects,
)

from tests.library import models

#: What a fix may name.
NAMES: dict[str, Any] = {
    **vars(models),
    **{
        each.__name__: each
        for each in (
            Avg,
            Count,
            Exists,
            GenericPrefetch,
            Max,
            Min,
            OuterRef,
            Prefetch,
            Sum,
            prefetch_related_objects,
        )
    },
}


class Fixed(NamedTuple):
    """One case.

    Attributes:
        name: what is special about it.
        rows: makes the queryset.
        use: what the loop does with a row.
        model: label of the root model.
        path: ORM paths, in any order.
        fix: the code to write.
        then: what the loop does with a row once the code is written, where that differs.
        through: how the loop goes through the queryset, where it is not by itself.
    """

    name: str
    rows: Callable[[], Any]
    use: Callable[[Any], object]
    model: str
    path: str
    fix: str
    then: Callable[[Any], object] | None = None
    through: Callable[[Any], Iterable[Any]] | None = None

    def walk(self, rows: Any, use: Callable[[Any], object] | None = None) -> list[object]:
        """Use each row of a queryset, in one loop."""
        use = use or self.use
        return [use(row) for row in (self.through(rows) if self.through else rows)]


def fixed(rows: Any, fix: str) -> Any:
    """Write a fix behind a queryset, as the finding says."""
    if fix.startswith("prefetch_related_objects("):
        listed = list(rows)
        eval(fix, {**NAMES, "rows": listed})
        return listed
    if fix.startswith("."):
        return eval(f"rows{fix}", {**NAMES, "rows": rows})
    return rows
