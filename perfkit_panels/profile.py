"""The panel of profiles: have this page captured the next time, and the captures there are of it."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from perfkit.profiling.capture import ENGINES
from perfkit.profiling.token import HEADER, LONGEST_PATH
from perfkit_panels import capture_views
from perfkit_panels.account import Account
from perfkit_panels.bounded import cut
from perfkit_panels.guarded import GuardedPanel


class PerfkitProfilePanel(GuardedPanel):
    """Starts a capture of the page; what is kept of it is seen on perfkit's own pages."""

    title = gettext_lazy("perfkit: profile")
    template = "profile.html"

    def stats(self, account: Account) -> dict[str, Any]:
        """Return what to capture, and what became of a capture of this very request."""
        captured = account.response.headers.get(HEADER, "")
        return {
            "head": dict(account.head),
            # A longer one no token is made for.
            "path": account.path if len(account.path) <= LONGEST_PATH else "",
            "captured": cut(captured, 300),
        }

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Say whether this request was captured."""
        captured = stats["captured"]
        if not captured:
            return _("capture this page")
        return captured if ";" in captured else _("this request was captured")

    def context(self, stats: dict[str, Any]) -> dict[str, Any]:
        """Add the engines to choose from."""
        return {**stats, "engines": ENGINES}

    @classmethod
    def urls(cls) -> list[URLPattern]:
        """Return the addresses of the captures, and of what starts one."""
        return [
            path("perfkit/captures/", capture_views.captures, name="perfkit_captures"),
            path("perfkit/capture/", capture_views.capture, name="perfkit_capture"),
        ]
