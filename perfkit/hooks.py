"""Installs the hooks of ``capture``, once in a process, and takes them off again."""

from __future__ import annotations

from functools import cache

from perfkit.capture import cache as cache_hook
from perfkit.capture import origin, places, relation, sql
from perfkit.capture.current import Trace
from perfkit.conf import Settings, get_settings
from perfkit.isolation import isolated, report_failure


@cache
def install() -> None:
    """Install the hooks, each by itself, so that one may fail."""
    with isolated("settings"):
        places.set_user_folders(get_settings().user_paths)
    with isolated("database hook"):
        sql.install()
    with isolated("cache hook"):
        cache_hook.install()
    with isolated("origin hook"):
        origin.install()
        relation.install()


def uninstall() -> None:
    """Take every hook off again."""
    sql.uninstall()
    cache_hook.uninstall()
    origin.uninstall()
    install.cache_clear()


def report_failures(trace: Trace) -> None:
    """Log what failed in the hooks while a trace was recorded."""
    for part, error in trace.failures:
        report_failure(part, error)


def new_trace(settings: Settings) -> Trace:
    """Make an empty trace with the limits of the settings."""
    return Trace(settings.max_queries, settings.slow_query_ms / 1000)
