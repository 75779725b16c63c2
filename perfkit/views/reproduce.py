"""The same request once more: as a curl command and as a Django test, secrets left out.

Neither holds a cookie, a header, a query string or a form: none of these is in a capture.
"""

from __future__ import annotations

import re
from typing import Final

from perfkit.report.wording import printable
from perfkit.views.names import LONGEST

#: A part of a route that a value stands for: ``<int:pk>``, ``(?P<pk>…)``.
_PLACEHOLDER: Final = re.compile(
    r"<(?:[^<>:]*:)?([A-Za-z_]\w*)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)"
)
_NOT_A_WORD: Final = re.compile(r"[^0-9A-Za-z]+")

#: Characters that a shell takes as they are within single quotes, and a URL too.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9/_.~,:;@!$&()*+=%-]")


def path_to_ask(path: str, route: str) -> str:
    """Return the path where it is known, else the route with its placeholders in capitals.

    Args:
        path: of the request; ``""`` where it is somebody else's.
        route: its label.
    """
    if not path:
        path = _PLACEHOLDER.sub(lambda part: (part[1] or part[2] or "").upper(), route)
    path = path[:LONGEST] if path.startswith("/") else "/"
    return _UNSAFE.sub(
        lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode("utf-8", "replace")), path
    )


def curl(host: str, method: str, path: str, route: str) -> str:
    """Write a command for a shell.

    Args:
        host: scheme and host of the site, ``"https://example.org"``.
        method: of the request.
        path: as captured, ``""`` where not known.
        route: its label.
    """
    verb = "" if method in ("GET", "") else f" -X {_word(method)}"
    return f"curl -i{verb} -H 'Cookie: sessionid=YOUR-SESSION' '{host}{path_to_ask(path, route)}'"


def django_test(method: str, path: str, route: str, status: int, statements: int | None) -> str:
    """Write a test for ``manage.py test`` that asks the same and holds the number of statements.

    Args:
        method: of the request.
        path: as captured, ``""`` where not known.
        route: its label.
        status: what it was answered with.
        statements: that it ran; None where not known.
    """
    name = "_".join(filter(None, _NOT_A_WORD.split(route.lower())))[:40] or "page"
    called = _word(method).lower() or "get"
    ask = f'response = self.client.{called}("{path_to_ask(path, route)}")'
    lines = [
        "from django.test import TestCase",
        "",
        "",
        "class CapturedTests(TestCase):",
        f"    def test_{name}(self):",
        "        # self.client.force_login(user), and the rows that the page shows.",
    ]
    if statements is None:
        lines.append(f"        {ask}")
    else:
        lines += [
            "        # As captured; fewer once what was found is mended.",
            f"        with self.assertNumQueries({statements:d}):",
            f"            {ask}",
        ]
    lines.append(f"        self.assertEqual(response.status_code, {status:d})")
    return printable_lines(lines)


def printable_lines(lines: list[str]) -> str:
    """Join lines of code, each of them printable."""
    return "\n".join(map(printable, lines))


def _word(method: str) -> str:
    return method if method.isascii() and method.isalpha() else ""
