"""Folds stacks into one tree: how often each line was seen below each caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

#: Lines of one tree that are kept, the most seen first; a stack adds at most ``steps.MOST_STEPS``.
MOST_NODES = 120


class StackTree:
    """Stacks that begin alike share a branch."""

    __slots__ = ("count", "inner")

    def __init__(self) -> None:
        self.count = 0
        self.inner: dict[str, StackTree] = {}

    def add(self, steps: Iterable[str]) -> None:
        """Add one stack, outermost line first."""
        node = self
        node.count += 1
        for step in steps:
            node = node.inner.setdefault(step, StackTree())
            node.count += 1

    def to_json(self) -> list[Any]:
        """Return the tree as nested ``[line, count, [...]]``, the most seen first."""
        counts = sorted(self._counts(), reverse=True)
        least = counts[MOST_NODES] + 1 if len(counts) > MOST_NODES else 1
        return self._children(least)

    def _counts(self) -> Iterator[int]:
        for node in self.inner.values():
            yield node.count
            yield from node._counts()

    def _children(self, least: int) -> list[Any]:
        # The text decides between equals, so that a tree looks the same each time.
        ordered = sorted(self.inner.items(), key=lambda pair: (-pair[1].count, pair[0]))
        return [
            [step, node.count, node._children(least)]
            for step, node in ordered
            if node.count >= least
        ]
