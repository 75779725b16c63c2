"""A profile small enough to be shown: the lightest nodes and the shortest samples join their neighbors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from perfkit.profiling.capture import Node, Profile, StackSample
from perfkit.profiling.times import Weight, node_weights


class Shortened(NamedTuple):
    """What is left of a profile; its times and counts of samples are still whole.

    Attributes:
        nodes: those kept, parents first.
        own: what ended in each of them, or in what was left out below it.
        samples: in the order of time, neighbors of one node joined.
        left_out: nodes whose time is their callers' now.
        coarse_ms: each so many milliseconds show what took longest in them; 0.0 for every sample.
    """

    nodes: tuple[Node, ...]
    own: tuple[Weight, ...]
    samples: tuple[StackSample, ...]
    left_out: int
    coarse_ms: float


def shortened(profile: Profile, most_nodes: int, most_samples: int) -> Shortened:
    """Shorten a profile.

    Args:
        profile: with samples.
        most_nodes: nodes that stay at most, the heaviest.
        most_samples: samples that stay at most, joined ones.
    """
    own = node_weights(profile)
    whole = [weight.ms for weight in own]
    for at in range(len(whole) - 1, -1, -1):
        if (parent := profile.nodes[at].parent) >= 0:
            whole[parent] += whole[at]
    # A caller is never lighter than its callee and comes before it: none is left without.
    kept = sorted(sorted(range(len(whole)), key=lambda at: (-whole[at], at))[:most_nodes])
    new = {at: place for place, at in enumerate(kept)}
    place: list[int] = []
    weights = [Weight()] * len(kept)
    nodes = []
    for at, node in enumerate(profile.nodes):
        above = place[node.parent] if node.parent >= 0 else -1
        place.append(new.get(at, above))
        if at in new:
            nodes.append(node._replace(parent=above))
        if place[at] >= 0:
            weights[place[at]] = weights[place[at]].plus(own[at])
    samples = _joined(each._replace(node=place[each.node]) for each in profile.samples)
    coarse_ms = 0.0
    if len(samples) > most_samples:
        last = samples[-1]
        coarse_ms = (last.at_ms + last.duration_ms) / most_samples
        samples = _joined(_coarse(samples, coarse_ms))
    return Shortened(
        tuple(nodes), tuple(weights), tuple(samples), len(whole) - len(kept), coarse_ms
    )


def _joined(samples: Iterable[StackSample]) -> list[StackSample]:
    found: list[StackSample] = []
    for each in samples:
        if each.node < 0:
            continue
        last = found[-1] if found else None
        if (
            last
            and last.node == each.node
            and abs(last.at_ms + last.duration_ms - each.at_ms) < 1e-3
        ):
            found[-1] = last._replace(duration_ms=each.at_ms + each.duration_ms - last.at_ms)
        else:
            found.append(each)
    return found


def _coarse(samples: list[StackSample], step_ms: float) -> list[StackSample]:
    """Return for each step the node that took most of it, for as long as anything was seen in it."""
    steps: dict[int, dict[int, float]] = {}
    for at_ms, duration_ms, node in samples:
        end_ms = at_ms + duration_ms
        while at_ms < end_ms:
            step = int(at_ms // step_ms)
            until_ms = max(min(end_ms, (step + 1) * step_ms), at_ms + step_ms * 1e-6)
            took = steps.setdefault(step, {})
            took[node] = took.get(node, 0.0) + until_ms - at_ms
            at_ms = until_ms
    return [
        StackSample(
            step * step_ms, min(sum(took.values()), step_ms), max(took, key=lambda at: took[at])
        )
        for step, took in sorted(steps.items())
    ]
