"""Checks that the capture pages can do something where the site has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse

from perfkit.conf import SETTING, get_settings

#: A page of ``perfkit.urls``, by the namespace that it has unless the site gives it another.
PAGE = "perfkit:captures"


def check_captures(**kwargs: Any) -> list[CheckMessage]:
    """Check that captures can be made and seen, where ``perfkit.urls`` is included."""
    try:
        reverse(PAGE)
    except NoReverseMatch:
        return []
    except Exception:  # noqa: BLE001  # a URLconf that cannot be imported is told by Django's own check
        return []
    return [
        CheckWarning(f"perfkit.urls is included, but {fault}.", hint=hint, id="perfkit.W018")
        for fault, hint in _faults()
    ]


def _faults() -> Iterator[tuple[str, str]]:
    settings = get_settings()
    if settings.store is None:
        yield (
            f"{SETTING}['STORE'] is False: there is nowhere to keep a capture",
            "Leave STORE out for its default file, or take the pages out of the URLconf.",
        )
    elif not settings.captures:
        yield (
            f"{SETTING}['CAPTURES'] is 0: no capture is made",
            "Set it to the number of captures to keep, or take the pages out of the URLconf.",
        )
    if not apps.is_installed("django.contrib.auth"):
        yield (
            "django.contrib.auth is not installed: nobody can be allowed to see the pages",
            "Captures are for staff with the permission perfkit.capture_profile.",
        )
