"""Which line of which template is being rendered, read from a frame of the template engine."""

from __future__ import annotations

from types import FrameType
from typing import Any

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of, find
from perfkit.capture.places import Owner, owner_of

#: Every node of a template is rendered through this, innermost last.
RENDER = code_of("django.template.base:Node.render_annotated", "self", "context")

_LOOP: Any = find("django.template.defaulttags:ForNode") or ()


def node_of(frame: FrameType) -> Any:
    """Return the node that a frame running ``RENDER`` renders."""
    return names_of(frame).get("self")


def template_place(node: Any) -> tuple[str, int] | None:
    """Name a node's template file and line; None when it is the framework's own template."""
    token = getattr(node, "token", None)
    name = getattr(getattr(node, "origin", None), "name", None)
    if token is None or not isinstance(name, str) or owner_of(name) is Owner.FRAMEWORK:
        return None
    return (name, token.lineno or 0)


def is_loop(node: Any) -> bool:
    """Tell whether a node is a ``{% for %}``."""
    return isinstance(node, _LOOP)


def lookups_of(node: Any) -> tuple[str, ...]:
    """Return the dotted names that a ``{{ book.author.pk }}`` resolves."""
    variable = getattr(getattr(node, "filter_expression", None), "var", None)
    return tuple(getattr(variable, "lookups", None) or ())


def rows_of(context: Any) -> list[Any]:
    """Return what the innermost layers of a template's context hold; nothing is resolved."""
    layers = getattr(context, "dicts", [])[-3:]
    return [value for layer in layers if isinstance(layer, dict) for value in layer.values()]
