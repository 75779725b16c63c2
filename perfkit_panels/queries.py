"""The panel of statements: by shape, without values until somebody asks, explained on demand."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from perfkit.capture.current import Trace
from perfkit.conf import get_settings
from perfkit.report.wording import duration, shortened
from perfkit_panels import statement_views
from perfkit_panels.account import Account
from perfkit_panels.bounded import fitting
from perfkit_panels.guarded import GuardedPanel
from perfkit_panels.recent import recent
from perfkit_panels.statements import groups, kept_runs, rows

#: Shapes shown of one request.
MOST_SHAPES = 200
_NOTHING = Trace(0, 0.0)


class PerfkitQueriesPanel(GuardedPanel):
    """Shows what was asked of databases: each shape once, with how often, how long and from where."""

    title = gettext_lazy("perfkit: statements")
    template = "queries.html"

    def stats(self, account: Account) -> dict[str, Any]:
        """Return the shapes, costliest first; keep values of some runs in memory."""
        record = account.record
        trace = account.observation.trace or _NOTHING
        grouped = groups(record)
        shown, left_out = fitting(rows(record, grouped, trace), MOST_SHAPES)
        if get_settings().debug:
            kept = [kept_runs(group, trace) for group in grouped[: len(shown)]]
            recent.keep(str(self.toolbar.request_id), kept)
        return {
            "head": dict(account.head),
            "is_recorded": account.observation.trace is not None,
            "is_whole": account.is_whole,
            "shapes": shown,
            "left_out": left_out,
            "duplicates": sum(len_of - distinct for len_of, distinct in _counts(grouped)),
            "repeats": sum(distinct - 1 for _runs, distinct in _counts(grouped)),
        }

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Say how many there were, how long they took, and how many were duplicates."""
        head = stats["head"]
        number = head["statements"]
        told = str(ngettext("%d statement", "%d statements", number) % number)
        told += " " + _("in %s") % duration(head["db_ms"])
        if stats["duplicates"]:
            doubled = stats["duplicates"]
            told += ", " + ngettext("%d duplicate", "%d duplicates", doubled) % doubled
        return told

    def context(self, stats: dict[str, Any]) -> dict[str, Any]:
        """Add what the page says besides, and a short form of each statement."""
        whole = sum(shape["total_ms"] for shape in stats["shapes"]) or 1.0
        shapes = [
            {
                **shape,
                "short": shortened(shape["shape"]),
                "width": round(shape["total_ms"] / whole * 100, 1),
                "is_read": shape["verb"] == "SELECT",
            }
            for shape in stats["shapes"]
        ]
        return {**stats, "shapes": shapes}

    @classmethod
    def urls(cls) -> list[URLPattern]:
        """Return the addresses of what is asked for one statement."""
        return [
            path("perfkit/statement/", statement_views.statement, name="perfkit_statement"),
            path("perfkit/values/", statement_views.values, name="perfkit_values"),
            path("perfkit/explain/", statement_views.explain, name="perfkit_explain"),
        ]


def _counts(grouped: list[Any]) -> list[tuple[int, int]]:
    return [(group.paths.total(), len(group.identities)) for group in grouped]
