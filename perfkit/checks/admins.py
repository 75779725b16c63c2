"""The admin classes that are the site's own to edit, for the checks of the admin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import apps

from perfkit.capture.places import Owner, owner_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def model_admins() -> Iterator[ModelAdmin[Any]]:
    """Yield each registered ``ModelAdmin`` whose class the site wrote."""
    if not apps.is_installed("django.contrib.admin"):
        return
    # Importing it without the app being installed would define models of no app.
    from django.contrib.admin.sites import all_sites

    for site in all_sites:
        for model_admin in site._registry.values():
            if is_own(type(model_admin)):
                yield model_admin


def is_own(cls: type) -> bool:
    """Tell whether a class stands in the site's own code."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return bool(file) and owner_of(str(file)) is Owner.SITE


def named(cls: type) -> str:
    """Name a class as one finds it: module and class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def overrides(cls: type, *methods: str) -> bool:
    """Tell whether any of these methods of an admin class is not Django's own."""
    found = (getattr(cls, name, None) for name in methods)
    return any(
        not getattr(method, "__module__", "").startswith("django.contrib.admin.")
        for method in found
        if method is not None
    )
