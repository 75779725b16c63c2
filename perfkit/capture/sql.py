"""The one database hook: a function in every connection's ``execute_wrappers``.

``connection_created`` fires for each connection of each thread, async worker or task, so one
receiver covers them all. The hook goes to the front of the list: Django's own
``execute_wrapper()`` pops the last entry when it ends, which must never be ours.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from perfkit.capture.callpath import locate
from perfkit.capture.current import FAILED, LONGEST_SQL, MANY, Repeats, current

#: The store's own connection bears this alias and is never hooked.
OWN_ALIAS = "perfkit"

#: Parameters of a read kept until it is analyzed; longer ones are known by their hash.
MOST_PARAMS = 50
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
                if seen is None and len(sql) > LONGEST_SQL:
                    sql = f"{sql[:LONGEST_SQL]} /* cut */ {hash(sql)}"
                    seen = statements.get(sql)
                path = None
                if seen is None:
                    statements[sql] = sql
                else:
                    if isinstance(seen, str):
                        seen = statements[sql] = Repeats(seen)
                    sql = seen.sql
                    path = locate(seen)
                if ended - started >= trace.slow_s:
                    trace.slow = True
                    path = path or locate(Repeats(sql))
                if type(params) is tuple and len(params) <= MOST_PARAMS and sql[:1] not in WRITES:
                    key = params
                else:
                    key = key_of(sql, params, many)
                    if many:
                        flags |= MANY
                events.append((sql, connection.alias, started, ended, key, path, flags))
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


def key_of(sql: str, params: Any, many: bool) -> Any:
    """Return what tells equal parameters of reads, where keeping a small tuple does not do.

    None is equal to nothing: nobody asks whether a write or a batch was the same, and what they
    carry may be large. Lists and dicts may change later, so they are known by their text's hash.
    """
    if many or sql[:1] in WRITES:
        return None
    return () if params is None else hash(repr(params))


def hook_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Put the hook in front of a connection's wrappers, once."""
    if connection.alias != OWN_ALIAS and observe not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, observe)


def install() -> None:
    """Hook this thread's open connections and every one that opens from now on."""
    connection_created.connect(hook_connection, dispatch_uid="perfkit")
    for connection in connections.all(initialized_only=True):
        hook_connection(connection)


def uninstall() -> None:
    """Take the hook off again, here and for new connections."""
    connection_created.disconnect(dispatch_uid="perfkit")
    for connection in connections.all(initialized_only=True):
        if observe in connection.execute_wrappers:
            connection.execute_wrappers.remove(observe)
