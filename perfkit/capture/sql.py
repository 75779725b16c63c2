"""The one database hook: a function in every connection's ``execute_wrappers``.

``connection_created`` fires for each connection of each thread, async worker or task, so one
receiver covers them all. The hook goes to the front of the list: Django's own
``execute_wrapper()`` pops the last entry when it ends, which must never be ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any
from uuid import UUID

from django.core.signals import request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from perfkit.capture.callpath import locate
from perfkit.capture.current import FAILED, MANY, SHORTEST_SQL, Repeats, current

#: The store's own connection bears this alias and is never hooked.
OWN_ALIAS = "perfkit"

#: Parameters of a read kept until it is analyzed; longer ones are known by their hash.
MOST_PARAMS = 50
#: When two texts of a trace have begun with the same letters, others may hold their literals
#: themselves: their paths are taken though each text is new. Not those with parameters whose first
#: column is quoted: the ORM wrote them.
QUOTES = ('"', "`")
BEGINNING = 20
LONGEST_PARAM = 200
#: Types whose equality is the language's own.
PLAIN = frozenset((bool, int, float, type(None), Decimal, UUID, date, datetime, time, timedelta))
#: First letters of INSERT, UPDATE, DELETE, REPLACE and MERGE.
WRITES = frozenset("IUDRMiudrm")

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def observe(  # noqa: C901  # one function: each further call would cost a statement 0.1 µs
    execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run one statement and note it in the current trace, if somebody is recording.

    The call path is looked at from a text's second run on. A failure of ours is kept for the
    pipeline: raising here would replace the site's result.
    """
    trace = current.get()
    if trace is None or trace.closed:
        return execute(sql, params, many, context)
    flags = FAILED
    started = perf_counter()
    try:
        result = execute(sql, params, many, context)
        flags = 0
        return result
    finally:
        ended = perf_counter()
        try:
            events = trace.events
            if len(events) >= trace.limit:
                trace.dropped += 1
                trace.dropped_s += ended - started
            else:
                connection = context["connection"]
                if type(sql) is not str:
                    sql = text_of(sql, connection)
                statements = trace.statements
                seen = statements.get(sql)
                if seen is None and len(sql) > trace.longest_sql:
                    sql = f"{sql[: trace.longest_sql]} /* cut */ {hash(sql)}"
                    seen = statements.get(sql)
                path = None
                asker = trace.asker
                if asker is not None:
                    trace.asker = None
                if seen is None:
                    if trace.detail is not None:
                        trace.detail.paths[sql] = locate(Repeats(sql), "")
                    trace.text_left -= len(sql)
                    if trace.text_left < 0:
                        trace.longest_sql = SHORTEST_SQL
                    if asker is None and params and sql[7:8] in QUOTES:
                        statements[sql] = sql
                    elif asker is None:
                        statements[sql] = sql
                        start = sql[:BEGINNING]
                        alike = trace.beginnings.get(start)
                        if alike is None:
                            trace.beginnings[start] = start
                        elif isinstance(alike, str):
                            trace.beginnings[start] = Repeats(start)
                        else:
                            path = locate(alike, "")
                    else:
                        seen = statements[sql] = Repeats(sql)
                        path = locate(seen, trace.asked)
                else:
                    if isinstance(seen, str):
                        seen = statements[sql] = Repeats(seen)
                    sql = seen.sql
                    path = locate(seen, trace.asked if asker is not None else "")
                if ended - started >= trace.slow_s:
                    trace.slow = True
                    path = path or locate(Repeats(sql), "")
                key: Any = None
                if many:
                    flags |= MANY
                elif params is None:
                    key = ()
                elif sql[:1] not in WRITES:
                    # One number is what nearly all loops ask with.
                    one = type(params) is tuple and len(params) == 1 and type(params[0]) is int
                    key = params if one else key_of(params)
                events.append((sql, connection.alias, started, ended, key, path, flags, asker))
        except Exception as error:
            trace.fail("database hook", error)


def text_of(sql: Any, connection: BaseDatabaseWrapper) -> str:
    """Return the text of a statement that is not a plain str.

    A repr would not do: literals in it are quoted as Python quotes, which masking cannot tell.
    """
    if isinstance(sql, str):
        return str.__str__(sql)
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    if hasattr(sql, "as_string"):  # psycopg's composed statements
        return str(sql.as_string(connection.connection))
    return f"<{type(sql).__name__}>"


def key_of(params: Any) -> Any:
    """Return what tells equal parameters of a read; None, which equals nothing, where nothing does.

    Only values of plain types are compared: others are the site's, whose code must not run here.
    Small tuples are kept as they are, larger ones by their hash.
    """
    if type(params) is dict:
        params = tuple(params.values())
    elif type(params) is list:
        params = tuple(params)
    elif type(params) is not tuple:
        return None
    small = len(params) <= MOST_PARAMS
    for value in params:
        kind = type(value)
        if kind is str or kind is bytes:
            small = small and len(value) <= LONGEST_PARAM
        elif kind is list or kind is tuple:
            return _nested_key(params)
        elif kind not in PLAIN:
            return None
    return params if small else hash(params)


def _nested_key(params: tuple[Any, ...]) -> Any:
    """Return a key for parameters with lists among them, as ``ANY(%s)`` takes them."""
    keys = [key_of(value) if type(value) in (list, tuple) else key_of((value,)) for value in params]
    return None if None in keys else hash(tuple(keys))


def hook_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Put the hook in front of a connection's wrappers, once."""
    if connection.alias != OWN_ALIAS and observe not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, observe)


def begin_unit(**kwargs: Any) -> None:
    """Begin another unit where a recording goes on over several requests: in a test."""
    trace = current.get()
    if trace is not None and not trace.closed:
        trace.part()


def install() -> None:
    """Hook this thread's open connections and every one that opens from now on."""
    connection_created.connect(hook_connection, dispatch_uid="perfkit")
    request_started.connect(begin_unit, dispatch_uid="perfkit")
    hook_open_connections()


def hook_open_connections() -> None:
    """Hook the connections that are open in this thread already."""
    for connection in connections.all(initialized_only=True):
        hook_connection(connection)


def uninstall() -> None:
    """Take the hook off again, here and for new connections."""
    connection_created.disconnect(dispatch_uid="perfkit")
    request_started.disconnect(dispatch_uid="perfkit")
    for connection in connections.all(initialized_only=True):
        if observe in connection.execute_wrappers:
            connection.execute_wrappers.remove(observe)
