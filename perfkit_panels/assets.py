"""The panels' own style and script, served by the toolbar: they need no static files app."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

FOLDER: Final = Path(__file__).parent / "static" / "perfkit_panels"
STYLE: Final = "panels.css"
SCRIPT: Final = "panels.js"
#: What is served, and as what; nothing else of the folder is.
SERVED: Final = {STYLE: "text/css; charset=utf-8", SCRIPT: "text/javascript; charset=utf-8"}
#: Seconds for which a browser keeps a file: its address changes with its content.
_KEPT_S: Final = 31_536_000


@cache
def contents() -> dict[str, bytes]:
    """Read what is served; once in a process."""
    return {name: (FOLDER / name).read_bytes() for name in SERVED}


@cache
def version() -> str:
    """Return what tells this content from any other."""
    return sha256(b"".join(contents().values())).hexdigest()[:12]


def address(name: str) -> str:
    """Return the address of a file of ours."""
    return reverse("djdt:perfkit_asset", args=[version(), name])


def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """Serve one of the files; whichever version was asked for, it is this one."""
    if name not in SERVED:
        raise Http404
    response = HttpResponse(contents()[name], content_type=SERVED[name])
    response["Cache-Control"] = f"public, max-age={_KEPT_S}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
