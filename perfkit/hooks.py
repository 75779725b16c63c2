"""Installs the hooks of ``capture``, once in a process, and takes them off again.

A hook that does not fit the running Django stays off, and so does one that fails; the others go on.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from perfkit import lifespan
from perfkit.capture import answer, coroutine, places, roles, rows, sql, usage
from perfkit.capture import cache as cache_hook
from perfkit.capture.current import Detail, Trace, wants_detail
from perfkit.capture.fit import misfits
from perfkit.capture.needs import Misfit
from perfkit.conf import Settings, get_settings
from perfkit.isolation import isolated, report_failure

#: What is put in; the other hooks that ``capture.fit`` knows work by themselves, where they fit.
_MODULES: dict[str, Any] = {
    "database hook": sql,
    "cache hook": cache_hook,
    "relation hook": roles,
    "origin hook": rows,
    "eager load hook": usage,
    "coroutine hook": coroutine,
    "answer hook": answer,
}

_installed: list[Any] = []


@cache
def install() -> None:
    """Install the hooks, each by itself, so that one may fail."""
    with isolated("settings"):
        places.set_user_folders(get_settings().user_paths)
    off = misfits()
    for hook, reason in off.items():
        report_failure(hook, Misfit(reason))
    for hook, module in _MODULES.items():
        if hook not in off:
            _installed.append(module)
            with isolated(hook):
                module.install()
    if "relation hook" in off:
        with isolated("internals hook"):
            roles.learn_internals()


def uninstall() -> None:
    """Take every hook off again."""
    while _installed:
        _installed.pop().uninstall()
    roles.uninstall()
    lifespan.uninstall()
    misfits.cache_clear()
    install.cache_clear()


def report_failures(trace: Trace) -> None:
    """Log what failed in the hooks while a trace was recorded."""
    for part, error in trace.failures:
        report_failure(part, error)


def new_trace(settings: Settings) -> Trace:
    """Make an empty trace with the limits of the settings."""
    trace = Trace(settings.max_queries, settings.slow_query_ms / 1000)
    if wants_detail.get():
        trace.detail = Detail()
    return trace
