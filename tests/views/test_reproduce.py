"""The same request once more: commands and tests that can be pasted, whatever the route is called."""

from __future__ import annotations

import ast
import shlex

import pytest

from perfkit.views.reproduce import curl, django_test, path_to_ask
from tests.views import made


@pytest.mark.parametrize(
    ("path", "route", "asked"),
    [
        ("/products/7/", "/products/<int:pk>/", "/products/7/"),
        ("", "/products/<int:pk>/<slug>/", "/products/PK/SLUG/"),
        ("", "/b/(?P<year>[0-9]{4})/(?P<x>a|(b))/", "/b/YEAR/X/"),
        ("", "_404", "/"),
        ("", "", "/"),
        ("/a b/\u00e9'\"$(x)`/", "", "/a%20b/%C3%A9%27%22$(x)%60/"),
    ],
)
def test_the_path_is_known_or_the_routes(path: str, route: str, asked: str) -> None:
    """Placeholders stand in capitals; what a shell or Python would read is escaped."""
    assert path_to_ask(path, route) == asked


@pytest.mark.parametrize(
    "path", ["/products/", made.HOSTILE, f"/{made.HOSTILE}", "/'; rm -rf ~; '"]
)
def test_a_command_is_one_command(path: str) -> None:
    """The shell sees five words, and no name of another's runs."""
    words = shlex.split(curl("https://example.org", "POST", path, ""))
    assert words[:6] == ["curl", "-i", "-X", "POST", "-H", "Cookie: sessionid=YOUR-SESSION"]
    assert len(words) == 7
    assert words[6].startswith("https://example.org/")
    assert words[6].isascii()
    assert words[6].isprintable()


@pytest.mark.parametrize(
    "text", ["/products/", made.HOSTILE, f"/{made.HOSTILE}", '/"); import os; ("']
)
def test_a_test_is_python(text: str) -> None:
    """It compiles, and the path is nothing but a string in it."""
    tree = ast.parse(django_test("GET", text, text, 200, 21))
    (made_class,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    calls = [ast.unparse(node.func) for node in ast.walk(made_class) if isinstance(node, ast.Call)]
    assert sorted(calls) == ["self.assertEqual", "self.assertNumQueries", "self.client.get"]


def test_without_a_known_number_none_is_asserted() -> None:
    """A capture without its record still makes a test."""
    assert "assertNumQueries" not in django_test("GET", "/", "/", 200, None)
