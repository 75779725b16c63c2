"""Panels for django-debug-toolbar: ``DEBUG_TOOLBAR_PANELS = [*perfkit_panels.PANELS, ...]``."""

from __future__ import annotations

from typing import Final

try:
    import debug_toolbar as _toolbar  # noqa: F401  # only to say what is missing where it is
except ImportError as error:
    raise ImportError(
        "perfkit_panels needs django-debug-toolbar 6 or later, which is not installed: "
        "pip install 'perfkit[toolbar]', or take perfkit_panels out of the settings"
    ) from error

#: Every panel, in the order in which the toolbar lists them.
PANELS: Final = (
    "perfkit_panels.requests.PerfkitRequestsPanel",
    "perfkit_panels.queries.PerfkitQueriesPanel",
    "perfkit_panels.advice.PerfkitAdvicePanel",
    "perfkit_panels.cache.PerfkitCachePanel",
    "perfkit_panels.profile.PerfkitProfilePanel",
)

__all__ = ["PANELS"]
