"""What differs between two captures: per frame and per statement, and whether so few samples can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final, NamedTuple

from perfkit.profiling.capture import CPROFILE, Capture, Frame, Profile
from perfkit.profiling.own_code import own_code
from perfkit.profiling.times import Weight, frame_times

#: Verdicts: more after, less after, within what can be told, the same.
MORE: Final = "more"
LESS: Final = "less"
UNSURE: Final = "unsure"
SAME: Final = "same"

#: Standard errors apart that two figures must be to count as different.
_APART: Final = 2.0

#: One run of code that is not sampled differs from the next by so much, as a share or in milliseconds.
_RUN_SHARE, _RUN_MS = 0.2, 1.0


class Seen(NamedTuple):
    """One side of a frame; ``times`` counts samples, for cProfile calls."""

    own_ms: float
    total_ms: float
    times: int


class FrameChange(NamedTuple):
    """A frame before and after.

    Attributes:
        frame: as it was after, else before.
        own_verdict, total_verdict: of the time in it alone, and with what it calls.
    """

    frame: Frame
    before: Seen
    after: Seen
    own_verdict: str
    total_verdict: str

    @property
    def own_change_ms(self) -> float:
        """How much longer it took by itself, below 0 for shorter."""
        return self.after.own_ms - self.before.own_ms

    @property
    def total_change_ms(self) -> float:
        """How much longer it took with what it calls, below 0 for shorter."""
        return self.after.total_ms - self.before.total_ms


class StatementChange(NamedTuple):
    """A statement's shape before and after: runs are exact, times are of one request each."""

    shape: str
    runs_before: int
    runs_after: int
    ms_before: float
    ms_after: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two captures side by side.

    Attributes:
        frames: those whose difference can be told first, then by how much they differ.
        statements: the same.
        comparable: whether the frames' times mean the same in both; if not there are none.
        samples_before, samples_after: how many samples there are to tell by; 0 for cProfile.
    """

    before: Capture
    after: Capture
    frames: tuple[FrameChange, ...]
    statements: tuple[StatementChange, ...]
    comparable: bool
    samples_before: int
    samples_after: int


class _Side(NamedTuple):
    frame: Frame
    own: Weight
    total: Weight


def difference(before: Capture, after: Capture, *, only_own_code: bool = False) -> Difference:
    """Compare two captures, of the same route as a rule.

    Args:
        before: the one to start from; frames are the same when file and function are.
        after: the one that is judged.
        only_own_code: fold frames of packages and of the framework into their callers first.
    """
    comparable = (before.engine == CPROFILE) == (after.engine == CPROFILE)
    counted = after.engine == CPROFILE
    changes: list[FrameChange] = []
    if comparable:
        changes = sorted(
            _frames(_side(before, only_own_code), _side(after, only_own_code), counted=counted),
            key=lambda each: (
                each.own_verdict not in (MORE, LESS),
                each.total_verdict not in (MORE, LESS),
                -abs(each.own_change_ms),
                -abs(each.total_change_ms),
            ),
        )
    return Difference(
        before=before,
        after=after,
        frames=tuple(changes),
        statements=tuple(_statements(before, after)),
        comparable=comparable,
        samples_before=len(before.profile.samples),
        samples_after=len(after.profile.samples),
    )


def _side(capture: Capture, only_own_code: bool) -> dict[tuple[str, str], _Side]:
    profile = own_code(capture.profile) if only_own_code else capture.profile
    found: dict[tuple[str, str], _Side] = {}
    for frame, own, total in _weights(profile):
        key = (frame.file, frame.function)  # a line moves with every edit above it
        if key in found:  # two functions of one name: one decorated anew, say
            own, total = own.plus(found[key].own), total.plus(found[key].total)
        found[key] = _Side(frame, own, total)
    return found


def _weights(profile: Profile) -> Iterator[tuple[Frame, Weight, Weight]]:
    for at, time in frame_times(profile).items():
        yield profile.frames[at], time.own, time.total
    for each in profile.calls:
        yield (
            profile.frames[each.frame],
            Weight(each.own_ms, each.calls, 0.0),
            Weight(each.total_ms, each.calls, 0.0),
        )


def _frames(
    before: dict[tuple[str, str], _Side], after: dict[tuple[str, str], _Side], *, counted: bool
) -> Iterator[FrameChange]:
    verdict = _verdict_of_runs if counted else _verdict
    for key in dict.fromkeys([*after, *before]):
        frame = (after.get(key) or before[key]).frame
        was, now = before.get(key), after.get(key)
        was_own, was_total = (was.own, was.total) if was else (Weight(), Weight())
        now_own, now_total = (now.own, now.total) if now else (Weight(), Weight())
        yield FrameChange(
            frame,
            Seen(was_own.ms, was_total.ms, was_total.samples),
            Seen(now_own.ms, now_total.ms, now_total.samples),
            verdict(was_own, now_own),
            verdict(was_total, now_total),
        )


def _verdict(before: Weight, after: Weight) -> str:
    """Judge two sums of samples by how far such sums scatter by themselves."""
    if before == after:
        return SAME
    # Each sample stands for its time or not at all; where none was seen there might have been one.
    largest = max(
        (weight.squares / weight.samples for weight in (before, after) if weight.samples),
        default=0.0,
    )
    scatter = sum(weight.squares if weight.samples else largest for weight in (before, after))
    change_ms = after.ms - before.ms
    if abs(change_ms) <= _APART * sqrt(scatter):
        return UNSURE
    return MORE if change_ms > 0 else LESS


def _verdict_of_runs(before: Weight, after: Weight) -> str:
    """Judge two times of one run each, which no number of samples says anything about."""
    change_ms = after.ms - before.ms
    if not change_ms:
        return SAME
    if abs(change_ms) <= max(_RUN_MS, _RUN_SHARE * max(before.ms, after.ms)):
        return UNSURE
    return MORE if change_ms > 0 else LESS


def _statements(before: Capture, after: Capture) -> list[StatementChange]:
    was = {shape: (runs, ms) for shape, runs, ms in before.shapes}
    now = {shape: (runs, ms) for shape, runs, ms in after.shapes}
    found = []
    for shape in dict.fromkeys([*now, *was]):
        runs_before, ms_before = was.get(shape, (0, 0.0))
        runs_after, ms_after = now.get(shape, (0, 0.0))
        if runs_before != runs_after:
            verdict = MORE if runs_after > runs_before else LESS
        else:
            verdict = _verdict_of_runs(Weight(ms_before), Weight(ms_after))
        found.append(StatementChange(shape, runs_before, runs_after, ms_before, ms_after, verdict))
    return sorted(
        found,
        key=lambda each: (
            each.verdict not in (MORE, LESS),
            -abs(each.runs_after - each.runs_before),
            -abs(each.ms_after - each.ms_before),
        ),
    )
