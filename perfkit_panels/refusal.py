"""What is raised where a view of the panels cannot give what was asked for."""

from __future__ import annotations


class Refusal(Exception):
    """What was asked for cannot be had; the text says why, and is shown."""
