"""Captures as a request may see them: its own and nobody's; others' do not exist for it."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any

from django.http import Http404, HttpRequest

from perfkit.conf import get_settings
from perfkit.profiling.capture import Capture
from perfkit.store import captures
from perfkit.views.access import owner_of


def store() -> Mapping[str, Any]:
    """Return the store's database.

    Raises:
        Http404: there is none.
    """
    database = get_settings().store
    if database is None:
        raise Http404
    return database


def capture_or_404(request: HttpRequest, id: str) -> Capture:  # noqa: A002 - its name in the URL
    """Return a capture that is the user's own or nobody's.

    Args:
        request: who asks.
        id: whatever stands in the URL.

    Raises:
        Http404: there is none, it is somebody else's, or it cannot be read.
    """
    capture = captures.read(store(), id)
    if capture is None or capture.owner not in ("", owner_of(request)) or not _is_sound(capture):
        raise Http404
    return capture


def _is_sound(capture: Capture) -> bool:
    """Tell whether every index leads somewhere: the row may be another version's, or damaged."""
    profile = capture.profile
    frames, nodes = len(profile.frames), len(profile.nodes)
    try:
        return (
            all(
                -1 <= node.parent < at and 0 <= node.frame < frames
                for at, node in enumerate(profile.nodes)
            )
            and all(
                0 <= each.node < nodes and isfinite(each.at_ms) and 0 <= each.duration_ms < inf
                for each in profile.samples
            )
            and all(
                0 <= each.frame < frames and all(0 <= by.frame < frames for by in each.callers)
                for each in profile.calls
            )
        )
    except TypeError:
        return False
