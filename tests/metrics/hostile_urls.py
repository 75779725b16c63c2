"""A URLconf with patterns that nobody should write, and more than two hundred that anybody might."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

#: What stands in a pattern, as Django takes it, and the path that asks for it.
HOSTILE = (
    ("a:b/", "/a:b/"),
    ("pipe|c/", "/pipe%7Cc/"),
    ("tag#k:v/", "/tag%23k:v/"),
    ("rate@0.1/", "/rate@0.1/"),
    ("semi;k=v/", "/semi;k=v/"),
    ("new\nperfkit.self.dropped:9|c\nline/", "/new%0Aperfkit.self.dropped:9%7Cc%0Aline/"),
    ("größe/", "/gr%C3%B6%C3%9Fe/"),
    ("日本/", "/%E6%97%A5%E6%9C%AC/"),
    ("a..b/", "/a..b/"),
    ("a.b/", "/a.b/"),
    ("a-b/", "/a-b/"),
    ("a--b/", "/a--b/"),
    ("A-B/", "/A-B/"),
    ("x" * 5_000 + "/", "/" + "x" * 5_000 + "/"),
    ("x" * 5_000 + "y/", "/" + "x" * 5_000 + "y/"),
)
#: Routes as a site has them.
MANY = 210


def answer(request: HttpRequest, **values: Any) -> HttpResponse:
    """Answer with a few bytes."""
    return HttpResponse("ok")


urlpatterns = [
    *(path(pattern, answer) for pattern, _ in HOSTILE),
    re_path(r"^(?P<year>[0-9]{4})[/|:](?P<rest>.*)$", answer),
    *(path(f"many/route-{number}/<int:pk>/", answer) for number in range(MANY)),
]
