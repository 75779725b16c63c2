"""The floor: a middleware and a statement wrapper which do nothing but pass the call on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest


class PassThroughMiddleware:
    """Call the next layer and return what it returned."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self.acall(request)
        return self.get_response(request)

    async def acall(self, request: HttpRequest) -> Any:
        """Await the next layer."""
        return await self.get_response(request)


def pass_through(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run the statement (a Django ``execute_wrapper``)."""
    return execute(sql, params, many, context)


def wrap_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Put the do-nothing wrapper on a new connection (a ``connection_created`` receiver)."""
    connection.execute_wrappers.append(pass_through)
