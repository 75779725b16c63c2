"""One node of PostgreSQL's plan, with its estimates and what stands above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

#: A node as the database gives it.
Plan = dict[str, Any]

#: Bytes that the executor adds to each row that it sorts or hashes.
_ROW_BYTES = 24


class Node(NamedTuple):
    """A node of the plan and what stands above it."""

    plan: Plan
    above: tuple[Plan, ...]

    @property
    def type(self) -> str:
        """What it does, such as ``Seq Scan``."""
        return str(self.plan.get("Node Type"))

    @property
    def rows(self) -> float:
        """Rows that it gives, as estimated."""
        return float(self.plan.get("Plan Rows", 0))

    @property
    def bytes(self) -> float:
        """Bytes of memory that its rows take, as estimated."""
        return self.rows * (float(self.plan.get("Plan Width", 0)) + _ROW_BYTES)

    @property
    def is_limited(self) -> bool:
        """Whether it is a sort of which a LIMIT takes the first rows only."""
        above = [plan["Node Type"] for plan in reversed(self.above)]
        return next((each for each in above if each != "Gather Merge"), "") == "Limit"


def walk(plan: Plan, above: tuple[Plan, ...]) -> Iterator[Node]:
    """Yield a node and all below it.

    Args:
        plan: the node, as the database gave it.
        above: the nodes above, outermost first.
    """
    yield Node(plan, above)
    for child in plan.get("Plans", ()):
        yield from walk(child, (*above, plan))
