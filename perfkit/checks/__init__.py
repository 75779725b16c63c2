"""The system checks: settings that are wrong, and set-ups that do less than they seem to."""

from __future__ import annotations

from collections.abc import Callable

from django.core.checks import CheckMessage, register

from perfkit.checks.fit import check_fit
from perfkit.checks.middleware import check_middleware
from perfkit.checks.settings import check_analyzers, check_ignore, check_settings
from perfkit.checks.sinks import check_statsd, check_store

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
