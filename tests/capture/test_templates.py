"""Template nodes: the line that is rendered, the loop around it, what it resolves."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.template import Context, engines
from django.template.base import Node, Token, TokenType
from django.template.loader import get_template

from perfkit.capture.templates import (
    RENDER,
    is_loop,
    lookups_of,
    node_of,
    rows_of,
    template_place,
)


def nodes(name: str) -> list[Node]:
    """Return all nodes of a template that have a line."""
    template: Any = get_template(name)
    return [node for node in template.template.nodelist.get_nodes_by_type(Node) if node.token]


def test_a_node_is_named_by_its_file_and_line() -> None:
    """As the template's author knows it."""
    lines = {}
    for node in nodes("library/books.html"):
        place = template_place(node)
        assert place is not None
        assert place[0].endswith("tests/library/templates/library/books.html")
        lines[type(node).__name__, place[1]] = node
    assert {("ForNode", 2), ("VariableNode", 3), ("VariableNode", 4)} <= set(lines)


def test_a_node_without_a_line_is_named_by_its_file() -> None:
    """A tag of the site's own may make nodes by hand."""
    node: Any = nodes("library/books.html")[0]
    node.token = Token(TokenType.TEXT, "")
    assert template_place(node) == (node.origin.name, 0)


def test_a_template_without_a_file_is_not_named() -> None:
    """Text that somebody rendered from a string has no line to show."""
    template = engines["django"].from_string("{{ x }}").template
    assert template_place(template.nodelist[0]) is None
    assert template_place(object()) is None


def test_a_template_of_the_frameworks_is_not_named() -> None:
    """Nobody edits Django's own pages."""
    assert {template_place(node) for node in nodes("admin/pagination.html")} == {None}


def test_a_loop_is_known() -> None:
    """The tag around the rows, not what stands inside."""
    loops = {type(node).__name__: is_loop(node) for node in nodes("library/books.html")}
    assert loops["ForNode"]
    assert not loops["VariableNode"]


@pytest.mark.parametrize(
    ("source", "lookups"),
    [
        ("{{ book.author.pk }}", ("book", "author", "pk")),
        ("{{ book.author.pk|default:'none' }}", ("book", "author", "pk")),
        ("{{ 'text' }}", ()),
        ("text", ()),
    ],
)
def test_a_variable_tells_what_it_resolves(source: str, lookups: tuple[str, ...]) -> None:
    """The dotted names, without resolving one."""
    node = engines["django"].from_string(source).template.nodelist[0]
    assert lookups_of(node) == lookups


def test_the_innermost_layers_of_a_context_are_looked_at() -> None:
    """A loop's variable is there; the settings of a context processor need not be."""
    context = Context({"outer": 1})
    for number in range(4):
        context.push({"row": number})
    assert rows_of(context) == [1, 2, 3]
    assert rows_of(None) == []


def test_the_frame_that_renders_tells_its_node() -> None:
    """Every node is rendered through one function of Django's, innermost last."""
    seen: list[Any] = []

    def look() -> str:
        frame: Any = sys._getframe()
        while frame is not None:
            if frame.f_code is RENDER:
                seen.append(node_of(frame))
            frame = frame.f_back
        return ""

    page = engines["django"].from_string("{% if 1 %}{{ x }}{% endif %}")
    page.render({"x": look})
    assert [type(node).__name__ for node in seen] == ["VariableNode", "IfNode"]
