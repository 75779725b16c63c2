"""The panel of the request itself: its figures, and on a time line what it was doing when."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from perfkit.isolation import isolated
from perfkit.report.wording import duration
from perfkit_panels.account import Account, watch_of
from perfkit_panels.bounded import cut, fitting
from perfkit_panels.guarded import GuardedPanel
from perfkit_panels.timeline import marks_of, split

#: Names the record in the answer, for requests that have no page to show it in.
HEADER = "Perfkit-Record"
TIMING = "Server-Timing"
#: Templates named.
MOST_TEMPLATES = 20
#: Phases in the order in which a request comes through them.
ORDER = ("queue", "middleware", "view", "rendering", "statements", "cache", "streaming")


class PerfkitRequestsPanel(GuardedPanel):
    """Shows when the request waited, ran middleware, view and templates, asked databases and caches."""

    title = gettext_lazy("perfkit: request")
    template = "requests.html"

    def stats(self, account: Account) -> dict[str, Any]:
        """Return figures, bars and shares."""
        record, phases = account.record, account.phases
        is_streamed = account.response.streaming
        marks = marks_of(account.observation, phases, record, is_streamed=is_streamed)
        told = split(record, marks)
        renderings: dict[str, list[float]] = {}
        for begun, ended, name in phases.renderings:
            row = renderings.setdefault(cut(name, 200), [0, 0.0])
            row[0] += 1
            row[1] = round(row[1] + (ended - begun) * 1000, 3)
        ordered = sorted(renderings.items(), key=lambda item: -item[1][1])
        templates, more = fitting(([name, *row] for name, row in ordered), MOST_TEMPLATES)
        return {
            "head": dict(account.head),
            "is_recorded": account.observation.trace is not None,
            "is_whole": account.is_whole,
            "has_view": marks.view is not None,
            "ended_ms": round(marks.ended, 3),
            "lanes": told.lanes,
            "shares": told.shares,
            "templates": templates,
            "more_templates": more,
            "renderings_left_out": phases.left_out,
        }

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Say how long it took, and how much of that in databases."""
        took, database = stats["head"]["duration_ms"], stats["head"]["db_ms"]
        told = {"took": duration(took), "database": duration(database)}
        return str(_("%(took)s, of which %(database)s database") % told)

    def context(self, stats: dict[str, Any]) -> dict[str, Any]:
        """Place the bars on a line of 1,000 steps, and put the phases in order."""
        head = stats["head"]
        queue = head["queue_ms"] or 0.0
        whole = max(queue + stats["ended_ms"], 0.001)
        own = {**stats["shares"], "queue": head["queue_ms"]}
        drawn = [
            {
                "name": name,
                "label": _labels()[name],
                "own_ms": own[name],
                "share": (own[name] or 0.0) / whole,
                "bars": [
                    {
                        "x": round((begin + queue) / whole * 1000, 2),
                        "width": max(round(length / whole * 1000, 2), 1.2),
                    }
                    for begin, length in stats["lanes"].get(name, ())
                ],
                "note": _note(name, stats),
            }
            for name in ORDER
            if stats["lanes"].get(name) or name in ("middleware", "view", "statements")
        ]
        missing = [_note(name, stats) for name in ("queue", "streaming") if _note(name, stats)]
        ticks = [whole * step / 4 - queue for step in range(5)]
        return {**stats, "phases": drawn, "missing": missing, "ticks": ticks, "whole_ms": whole}

    def get_headers(self, request: HttpRequest) -> dict[str, str]:
        """Name the record, so that an answer without a page can be found in the history."""
        headers: dict[str, str] = super().get_headers(request)
        with isolated(f"panel {self.panel_id}"):
            headers[HEADER] = str(self.toolbar.request_id)
            known = watch_of(self.toolbar).told
            # The toolbar replaces this header, the site's own and perfkit's with it.
            if isinstance(known, Account) and (present := known.response.headers.get(TIMING)):
                headers[TIMING] = present
        return headers


def _labels() -> dict[str, str]:
    return {
        "queue": _("Queue"),
        "middleware": _("Middleware"),
        "view": _("View"),
        "rendering": _("Templates"),
        "statements": _("Database"),
        "cache": _("Cache"),
        "streaming": _("Sending"),
    }


def _note(name: str, stats: dict[str, Any]) -> str:
    """Say what is not known of a phase."""
    if name == "queue" and stats["head"]["queue_ms"] is None:
        return _("Queue: not known, as no proxy stamped the request with X-Request-Start.")
    if name == "streaming" and not stats["is_whole"]:
        return _("Sending: the body had not been sent when the toolbar looked.")
    if name == "view" and not stats["has_view"]:
        return _("no view ran: a middleware answered, or no route matched")
    if name == "statements" and stats["head"]["dropped_queries"]:
        beyond = _("%d statements beyond MAX_QUERIES are counted; here they are part of the view")
        return str(beyond % stats["head"]["dropped_queries"])
    return ""
