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
from perfkit.capture.current import FAILED, LONGEST_SQL, MANY, Repeats, Trace, current

#: The store's own connection bears this alias and is never hooked.
OWN_ALIAS = "perfkit"

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def observe(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run one statement and note it in the current trace, if somebody is recording."""
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
        note(trace, sql, params, many, context["connection"], started, flags)


def note(
    trace: Trace,
    sql: Any,
    params: Any,
    many: bool,
    connection: BaseDatabaseWrapper,
    started: float,
    flags: int,
) -> None:
    """Append one event; the call path is looked at from a statement's second run on.

    A failure in here is kept for the pipeline: it runs in a ``finally`` on the site's own path,
    where raising would replace the site's result.
    """
    ended = perf_counter()
    try:
        events = trace.events
        if len(events) >= trace.limit:
            trace.dropped += 1
            trace.dropped_s += ended - started
            return
        if type(sql) is not str:
            sql = text_of(sql, connection)
        if len(sql) > LONGEST_SQL:
            sql = f"{sql[:LONGEST_SQL]} /* cut */ {hash(sql)}"
        statements = trace.statements
        repeats = statements.get(sql)
        slow = ended - started >= trace.slow_s
        if slow:
            trace.slow = True
        if repeats is None:
            repeats = statements[sql] = Repeats(sql)
            path = locate(repeats) if slow else None
        else:
            path = locate(repeats)
        repeats.count += 1
        if many:
            # One event whatever the batch; two batches are never "the same" to an analyzer.
            flags |= MANY
            key = -len(events)
        else:
            key = hash_of(params)
        events.append((repeats, connection.alias, started, ended, key, path, flags))
    except Exception as error:  # the site's statement must not fail for us
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


def hash_of(params: Any) -> int:
    """Hash parameters so that equal ones are told; nothing of them is kept.

    Lists and dicts are hashed by their text, and so is what holds a -1, which Python hashes as it
    does -2.
    """
    try:
        key = hash(params)
        return hash(repr(params)) if params and -1 in params else key
    except Exception:  # lists and dicts; a parameter of the site's own class may raise anything
        return hash(repr(params))


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
