"""The panel of advice: what to change, where, what to write, and what that saves on this page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from perfkit_panels.account import Account
from perfkit_panels.bounded import fitting
from perfkit_panels.findings import findings_of
from perfkit_panels.guarded import GuardedPanel

MOST_FINDINGS = 30


class PerfkitAdvicePanel(GuardedPanel):
    """Shows the findings of the request, those that save most first."""

    title = gettext_lazy("perfkit: advice")
    template = "advice.html"

    def stats(self, account: Account) -> dict[str, Any]:
        """Return each finding with its code as it is now."""
        shown, left_out = fitting(findings_of(account.record), MOST_FINDINGS)
        return {
            "head": dict(account.head),
            "is_recorded": account.observation.trace is not None,
            "is_whole": account.is_whole,
            "findings": shown,
            "left_out": left_out,
            "number": len(account.record.findings),
        }

    @property
    def nav_title(self) -> str:
        """Show the number of findings where it is seen first."""
        number = self.get_stats().get("number", 0)
        return f"{self.title} ({number})" if number else str(self.title)

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Say how many there are, and what the best one saves."""
        number = stats["number"]
        if not number:
            return _("nothing to change")
        told = str(ngettext("%d finding", "%d findings", number) % number)
        saved = stats["findings"][0]["saved"] if stats["findings"] else 0
        if saved:
            told += ": " + ngettext("%d statement less", "%d statements less", saved) % saved
        return told
