"""The cache advice on a route: read from the store when somebody looks, never while a page is made."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse

from perfkit.conf import get_settings
from perfkit.report.cache_load import route_advice
from perfkit.report.cache_route import POLICIES, policies
from perfkit.report.cache_text import WORDS, duration, lines
from perfkit_panels.views import answer, stored, toolbar_view

PANEL: Final = "PerfkitCachePanel"
#: Rows of the table of policies.
MOST_ROWS: Final = 60
#: The verdict that too little was seen for; the figures of a table would say too much.
UNKNOWN: Final = "not_enough_evidence"


@toolbar_view("GET")
def advice(request: HttpRequest) -> HttpResponse:
    """Return what is known of caching the route of a request."""
    head = stored(request.GET, PANEL)["head"]
    report = route_advice(get_settings(), head["route"], head["method"])
    context: dict[str, object] = {"notes": report.notes, "route": head["route"]}
    if report.advice:
        told = report.advice[0]
        context |= {
            "advice": told,
            "verdict": WORDS[told.verdict],
            "timeout": duration(told.timeout) if told.timeout else "",
            "lines": [line.removeprefix("- ") for line in lines(told, with_code=False)],
            "policies": [
                {**row, "name": POLICIES.get(row["policy"], row["policy"])}
                for row in policies(report, told)[:MOST_ROWS]
                if told.verdict != UNKNOWN
            ],
        }
    return answer("cache_advice.html", context)
