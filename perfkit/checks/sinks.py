"""Checks of where the figures go: the store and statsd."""

from __future__ import annotations

import socket
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from perfkit.conf import SETTING, get_settings

SQLITE = "django.db.backends.sqlite3"


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
