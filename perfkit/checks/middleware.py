"""Checks of where the middleware stands."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from perfkit.conf import configured_middleware

MIDDLEWARE = "perfkit.middleware.PerfkitMiddleware"
TOOLBAR = "debug_toolbar.middleware.DebugToolbarMiddleware"


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


def check_order(**kwargs: Any) -> list[CheckMessage]:
    """Check that nothing but the toolbar stands above perfkit's middleware."""
    listed = configured_middleware()
    if MIDDLEWARE not in listed:
        return []  # told by check_middleware
    above = [path for path in listed[: listed.index(MIDDLEWARE)] if path != TOOLBAR]
    if not above:
        return []
    return [
        CheckWarning(
            f"{', '.join(above)} above perfkit's middleware in MIDDLEWARE: what it costs is not "
            "measured, and what it answers by itself is not counted.",
            hint=f"Put {MIDDLEWARE!r} first; only {TOOLBAR!r} belongs above it.",
            id="perfkit.W006",
        )
    ]
