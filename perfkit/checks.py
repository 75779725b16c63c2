"""The system checks: settings that are wrong, and set-ups that do less than they seem to."""

from __future__ import annotations

import fnmatch
import socket
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import asgiref
import django
from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from perfkit.capture.fit import HOOKS, misfits
from perfkit.conf import (
    ALLOWED,
    FINDING_KINDS,
    OPTIONS,
    RULE_KEYS,
    RULE_NOTE,
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
    "perfkit.E006": "IGNORE has a rule that cannot be used",
    "perfkit.W001": "the middleware is not listed",
    "perfkit.W002": "the middleware is listed twice",
    "perfkit.W003": "STATSD names a host that does not resolve",
    "perfkit.W004": "the toolbar's middleware stands below perfkit's",
    "perfkit.W005": "a hook does not fit the running Django",
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


def check_ignore(**kwargs: Any) -> list[CheckMessage]:
    """Check each rule of ``IGNORE``."""
    given = configured()
    rules = given.get("IGNORE", ()) if isinstance(given, Mapping) else ()
    if not is_allowed("rules", rules):
        return []  # told by check_settings
    own_analyzers = any(not path.startswith("perfkit.") for path in get_settings().analyzers)
    return [
        Error(
            f"{SETTING}['IGNORE'][{index}] {fault}.",
            hint=f"{hint} Until then the rule counts for nothing.",
            id="perfkit.E006",
        )
        for index, rule in enumerate(rules)
        for fault, hint in _rule_faults(rule, own_analyzers)
    ]


def _rule_faults(rule: Any, own_analyzers: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, and what to do."""
    allowed = f"Allowed are {', '.join(RULE_KEYS)}, and {RULE_NOTE} for the reader."
    if not isinstance(rule, Mapping):
        yield f"is {rule!r}, not a dict", allowed
        return
    if set(RULE_KEYS).isdisjoint(rule) and set(rule) <= {RULE_NOTE}:
        yield f"is {rule!r}, which would hide every finding", allowed
    for key, pattern in rule.items():
        if key not in (*RULE_KEYS, RULE_NOTE):
            near = get_close_matches(str(key).upper(), [*RULE_KEYS, RULE_NOTE], n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else allowed
            yield f"has {key!r}, which is no key of a rule", hint
        elif not isinstance(pattern, str) or not pattern:
            yield f"has {pattern!r} as its {key}", "Allowed is a text that is not empty."
        elif key == "KIND" and not own_analyzers and not fnmatch.filter(FINDING_KINDS, pattern):
            near = get_close_matches(pattern, FINDING_KINDS, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Kinds: {', '.join(FINDING_KINDS)}."
            yield f"has the KIND {pattern!r}, which no finding has", hint


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
    if count == 0 and apps.is_installed("perfkit.celery"):
        return []  # a worker that answers no requests
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


def check_fit(**kwargs: Any) -> list[CheckMessage]:
    """Check that each hook fits the running Django and asgiref."""
    found = misfits()
    return [
        CheckWarning(
            f"The {hook.name} does not fit Django {django.__version__} with asgiref "
            f"{asgiref.__version__}: {found[hook.name]}.",
            hint=f"It is off and the others work. Without it {hook.lost}. A newer perfkit may fit.",
            id="perfkit.W005",
        )
        for hook in HOOKS
        if hook.name in found
    ]


CHECKS: tuple[Callable[..., list[CheckMessage]], ...] = (
    check_settings,
    check_ignore,
    check_analyzers,
    check_store,
    check_statsd,
    check_middleware,
    check_fit,
)


def register_all() -> None:
    """Register every check under the tag ``perfkit``."""
    for check in CHECKS:
        register(check, "perfkit")
