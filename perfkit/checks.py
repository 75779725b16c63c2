"""The system checks: settings that are wrong, and set-ups that do less than they seem to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from perfkit.conf import (
    ALLOWED,
    OPTIONS,
    SETTING,
    configured,
    configured_middleware,
    get_settings,
    is_allowed,
)

MIDDLEWARE = "perfkit.middleware.PerfkitMiddleware"
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"
SQLITE = "django.db.backends.sqlite3"

#: Every check's id and what it says, in one table; ``docs/settings.rst`` lists the same.
IDS = {
    "perfkit.E001": "PERFKIT is not a dict",
    "perfkit.E002": "PERFKIT has an unknown key",
    "perfkit.E003": "PERFKIT has a value that is not allowed",
    "perfkit.E004": "an analyzer cannot be imported",
    "perfkit.E005": "STORE names a database that this version cannot use",
    "perfkit.W001": "the middleware is not listed",
    "perfkit.W002": "the middleware is listed twice",
    "perfkit.W003": "STATSD names a host that does not resolve",
    "perfkit.W004": "the toolbar's middleware stands below perfkit's",
}


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check each key and value of ``PERFKIT``."""
    given = configured()
    if not isinstance(given, Mapping):
        return [
            Error(
                f"{SETTING} is {given!r}, not a dict.",
                hint=f"Write {SETTING} = {{...}} with keys from the settings page, or leave it out.",
                id="perfkit.E001",
            )
        ]
    return [*_unknown_keys(given), *_bad_values(given)]


def _unknown_keys(given: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    names = [option.name for option in OPTIONS]
    for key in given:
        if key in names:
            continue
        near = get_close_matches(str(key).upper(), names, n=1, cutoff=0.5)
        yield Error(
            f"{SETTING}[{key!r}] is not a perfkit setting.",
            hint=f"Did you mean {near[0]!r}?" if near else f"Allowed are {', '.join(names)}.",
            id="perfkit.E002",
        )


def _bad_values(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for option in OPTIONS:
        value = given.get(option.name, option.default)
        if not is_allowed(option.accepts, value):
            yield Error(
                f"{SETTING}[{option.name!r}] is {value!r}.",
                hint=f"Allowed is {ALLOWED[option.accepts]}; until then it counts as "
                f"{option.default!r}.",
                id="perfkit.E003",
            )


def check_analyzers(**kwargs: Any) -> list[CheckMessage]:
    """Check that every analyzer can be imported and called."""
    messages: list[CheckMessage] = []
    for path in get_settings().analyzers:
        try:
            found = callable(import_string(path))
            reason = "it is not callable"
        except ImportError as error:
            found, reason = False, str(error)
        if not found:
            messages.append(
                Error(
                    f"{SETTING}['ANALYZERS'] has {path!r}: {reason}.",
                    hint="Give the dotted path of a function analyze(record, settings).",
                    id="perfkit.E004",
                )
            )
    return messages


def check_store(**kwargs: Any) -> list[CheckMessage]:
    """Check that the store is one that this version writes."""
    store = get_settings().store
    if store is None or store["ENGINE"] == SQLITE:
        return []
    return [
        Error(
            f"{SETTING}['STORE']['ENGINE'] is {store['ENGINE']!r}.",
            hint=f"This version stores in {SQLITE!r} only; leave STORE out for its default file.",
            id="perfkit.E005",
        )
    ]


def check_statsd(**kwargs: Any) -> list[CheckMessage]:
    """Check that statsd's host resolves; a warning only, as it may resolve where the site runs."""
    statsd = get_settings().statsd
    if statsd is None:
        return []
    try:
        socket.getaddrinfo(statsd["HOST"], statsd["PORT"], type=socket.SOCK_DGRAM)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        return [
            CheckWarning(
                f"{SETTING}['STATSD']['HOST'] is {statsd['HOST']!r}, which does not resolve "
                f"({error}).",
                hint="Metrics are dropped until it does; the site is not slowed down.",
                id="perfkit.W003",
            )
        ]
    return []


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Check that the middleware is listed once, below the toolbar's."""
    listed = configured_middleware()
    count = listed.count(MIDDLEWARE)
    if count == 0:
        return [
            CheckWarning(
                f"perfkit is installed but {MIDDLEWARE} is not in MIDDLEWARE: nothing is recorded.",
                hint=f"Put {MIDDLEWARE!r} first in MIDDLEWARE.",
                id="perfkit.W001",
            )
        ]
    if count > 1:
        return [
            CheckWarning(
                f"MIDDLEWARE lists {MIDDLEWARE} {count} times; the first one records.",
                hint="Keep the first and remove the others.",
                id="perfkit.W002",
            )
        ]
    if TOOLBAR in listed and listed.index(TOOLBAR) > listed.index(MIDDLEWARE):
        return [
            CheckWarning(
                "DebugToolbarMiddleware stands below perfkit's: what the toolbar costs is counted "
                "as the site's.",
                hint=f"Put {MIDDLEWARE!r} directly below {TOOLBAR!r}.",
                id="perfkit.W004",
            )
        ]
    return []


CHECKS: tuple[Callable[..., list[CheckMessage]], ...] = (
    check_settings,
    check_analyzers,
    check_store,
    check_statsd,
    check_middleware,
)


def register_all() -> None:
    """Register every check under the tag ``perfkit``."""
    for check in CHECKS:
        register(check, "perfkit")
