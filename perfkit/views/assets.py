"""Serves the scripts and styles of the pages, so that no site has to collect them: a fixed list of files.

The URL holds a hash of all of them: a browser keeps a file for good, and modules find each other
by their names, side by side.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

from perfkit.report.html.assets import STATIC
from perfkit.views.access import for_staff

#: Name -> its type. Nothing else is served, whatever the path says: no path is built from a request.
NAMES: Final = {
    **dict.fromkeys(
        ("tokens.css", "page.css", "plots.css", "report.css", "capture.css"),
        "text/css; charset=utf-8",
    ),
    **dict.fromkeys(
        (
            "theme.js",
            "copy.js",
            "plots.js",
            "report-timeline.js",
            "captures.js",
            "capture.js",
            "capture-calls.js",
            "capture-flame.js",
            "capture-grid.js",
            "capture-source.js",
            "capture-trees.js",
            "capture-words.js",
            "vendor/flamegraph.js",
            "vendor/plot.js",
        ),
        "text/javascript; charset=utf-8",
    ),
    "icon.svg": "image/svg+xml",
}
_FOR_GOOD: Final = "private, max-age=31536000, immutable"


@for_staff("GET", "HEAD")
def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """Answer with one of our files."""
    if name not in NAMES or version != version_of_all():
        raise Http404
    return HttpResponse(
        _content(name), content_type=NAMES[name], headers={"Cache-Control": _FOR_GOOD}
    )


@cache
def version_of_all() -> str:
    """Return the hash of all files together."""
    digest = sha256()
    for name in NAMES:
        digest.update(_content(name))
    return digest.hexdigest()[:16]


@cache
def _content(name: str) -> bytes:
    return (STATIC / name).read_bytes()
