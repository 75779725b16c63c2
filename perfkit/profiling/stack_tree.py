"""Adds stacks up into a tree of calls as they are seen, within bounds; names them when all is over.

A stack comes as plain places, outermost first: nothing of a frame, a local name or a value is held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from perfkit.profiling.capture import Frame, Node, StackSample

#: Part of a stack: what (the number of a code object, or a text) and where in it.
Place = tuple[int | str, int]

#: What stands for a place in the model: its frame, and the line it was at.
Named = Callable[[int | str, int], tuple[Frame, int]]

#: Nodes and samples kept of one capture.
MOST_NODES: Final = 20_000
MOST_SAMPLES: Final = 10_000


@dataclass(slots=True)
class Tree:
    """Stacks over time.

    Attributes:
        samples: (from, for how long, node); milliseconds.
        halved: how often each two neighbors became one, because there were too many.
        cut_off: stacks that were cut off, because the tree was full.
    """

    samples: list[tuple[float, float, int]] = field(default_factory=list)
    halved: int = 0
    cut_off: int = 0
    _nodes: list[tuple[int, int | str, int]] = field(default_factory=list)
    _children: dict[tuple[int, int | str, int], int] = field(default_factory=dict)

    def add(self, places: Sequence[Place], at_ms: float, duration_ms: float) -> None:
        """Add a stack that was seen.

        Args:
            places: outermost first, at least one.
            at_ms: from when on it stands for the time.
            duration_ms: for how long.
        """
        children = self._children
        node = -1
        for what, at in places:
            key = (node, what, at)
            child = children.get(key)
            if child is None:
                if len(self._nodes) >= MOST_NODES:
                    self.cut_off += 1
                    break
                child = children[key] = len(self._nodes)
                self._nodes.append(key)
            node = child
        if node < 0:
            return
        self.samples.append((at_ms, duration_ms, node))
        if len(self.samples) >= MOST_SAMPLES:
            self._halve()

    def lengthen(self, until_ms: float) -> None:
        """Let the last stack stand for the time until now."""
        if self.samples:
            at_ms, _, node = self.samples[-1]
            self.samples[-1] = (at_ms, max(until_ms - at_ms, 0.0), node)

    def named(
        self, name: Named
    ) -> tuple[tuple[Frame, ...], tuple[Node, ...], tuple[StackSample, ...]]:
        """Return frames, nodes and samples of the model; places of one line become one node.

        Args:
            name: gives a place its frame and line.
        """
        frames: dict[Frame, int] = {}
        nodes: dict[Node, int] = {}
        places: dict[Place, tuple[int, int]] = {}
        became: list[int] = []
        for parent, what, at in self._nodes:
            known = places.get((what, at))
            if known is None:
                frame, line = name(what, at)
                known = places[what, at] = (frames.setdefault(frame, len(frames)), line)
            node = Node(-1 if parent < 0 else became[parent], *known)
            became.append(nodes.setdefault(node, len(nodes)))
        samples = tuple(
            StackSample(round(at_ms, 3), round(duration_ms, 3), became[node])
            for at_ms, duration_ms, node in self.samples
        )
        return tuple(frames), tuple(nodes), samples

    def notes(self) -> list[str]:
        """Return what a reader must know of what was left out."""
        notes = []
        if self.halved:
            notes.append(
                f"more than {MOST_SAMPLES} samples were taken: each {2**self.halved} in a row count "
                "as one of them"
            )
        if self.cut_off:
            notes.append(
                f"{self.cut_off} stacks were cut off: the tree of calls has {MOST_NODES} places"
            )
        return notes

    def _halve(self) -> None:
        # One of each two, by turns, so that neither end of a short loop is the one that stays.
        before = self.samples
        self.samples = [
            (first[0], first[1] + second[1], (first, second)[at % 2][2])
            for at, (first, second) in enumerate(zip(before[::2], before[1::2], strict=False))
        ]
        if len(before) % 2:
            self.samples.append(before[-1])
        self.halved += 1
