"""Where a view's own frames end: further out are middleware, the server and the test runner."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler

_handler: Any = BaseHandler

#: ids of the code objects from which views are called.
VIEW = frozenset(
    id(function.__code__) for function in (_handler._get_response, _handler._get_response_async)
)
#: ids of the code objects from which the outermost middleware is called.
HANDLER = frozenset(
    id(function.__code__)
    for function in (_handler.get_response, WSGIHandler.__call__, ASGIHandler.__call__)
)
