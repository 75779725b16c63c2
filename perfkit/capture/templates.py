"""Which line of which template is being rendered, read from a frame of the template engine."""

from __future__ import annotations

from types import FrameType
from typing import Any

from django.template.base import Node

from perfkit.capture.places import Owner, owner_of

#: Every node of a template is rendered through this, innermost last.
RENDER = Node.render_annotated.__code__


def node_of(frame: FrameType) -> Any:
    """Return the node that a frame running ``RENDER`` renders."""
    return frame.f_locals.get("self")


def template_place(node: Any) -> tuple[str, int] | None:
    """Name a node's template file and line; None when it is the framework's own template."""
    token = getattr(node, "token", None)
    name = getattr(getattr(node, "origin", None), "name", None)
    if token is None or not isinstance(name, str) or owner_of(name) is Owner.FRAMEWORK:
        return None
    return (name, token.lineno or 0)
