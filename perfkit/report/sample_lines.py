"""One kept request as plain lines, by whichever module knows its kind."""

from __future__ import annotations

from perfkit.metrics.sample import STALL, Sample
from perfkit.report import sample_text, stall_text


def sample_lines(sample: Sample) -> list[str]:
    """Return printable lines, at most about 100 columns wide."""
    if sample.kind == STALL:
        return stall_text.lines(sample)
    return sample_text.lines(sample)
