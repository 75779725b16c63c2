"""Where a view's own frames end: further out are middleware, the server and the test runner."""

from __future__ import annotations

from perfkit.capture.parts import code_of

_HANDLERS = "django.core.handlers"

#: ids of the code objects from which views are called.
VIEW = frozenset(
    id(code_of(f"{_HANDLERS}.base:BaseHandler.{name}"))
    for name in ("_get_response", "_get_response_async")
)
#: ids of the code objects from which the outermost middleware is called.
HANDLER = frozenset(
    id(code_of(f"{_HANDLERS}.{name}"))
    for name in (
        "base:BaseHandler.get_response",
        "wsgi:WSGIHandler.__call__",
        "asgi:ASGIHandler.__call__",
    )
)
