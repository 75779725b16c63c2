"""Writes the panels down as graphite-web's dashboard page reads them.

Of a graph the page's loader takes the list's first entry for its id, the targets as a query string, the second for its
parameters, in which ``target`` must be a list, and the third for a URL, which it makes anew for itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from perfkit.dashboards.expressions import deploys
from perfkit.dashboards.panel import Panel, Section

REFRESH_MS = 60_000
WIDTH, HEIGHT = 580, 300
HOURS = 3
#: The page asks for a picture with GET; servers in front commonly take lines of 8 kB, gunicorn of 4 kB.
URL_LIMIT = 4_000
#: On white, as a page that is printed or put into a ticket.
COLORS = {
    "bgcolor": "white",
    "fgcolor": "black",
    "majorGridLineColor": "#cccccc",
    "minorGridLineColor": "#eeeeee",
}
_AXES = {"percent": "%", "bytes": "bytes", "": ""}


def to_graphite_web(sections: tuple[Section, ...], name: str, deploy_tag: str) -> dict[str, Any]:
    """Return a dashboard's state.

    Args:
        sections: what is shown; graphite-web has no headings, so that the panels just follow one another.
        name: of the dashboard.
        deploy_tag: of the events that mark deploys.
    """
    defaults = {"from": f"-{HOURS}hours", "until": "now", "width": WIDTH, "height": HEIGHT}
    return {
        "name": name,
        "defaultGraphParams": defaults,
        "refreshConfig": {"enabled": True, "interval": REFRESH_MS},
        "timeConfig": {
            "type": "relative",
            "relativeStartQuantity": str(HOURS),
            "relativeStartUnits": "hours",
            "relativeUntilQuantity": "",
            "relativeUntilUnits": "now",
            "startDate": "1970-01-01T00:00:00",
            "startTime": "9:00 AM",
            "endDate": "1970-01-01T00:00:00",
            "endTime": "5:00 PM",
        },
        "graphSize": {"width": WIDTH, "height": HEIGHT},
        "graphs": [
            _graph(panel, deploys(deploy_tag), defaults)
            for section in sections
            for panel in section.panels
        ],
    }


def _graph(panel: Panel, marks: str, defaults: dict[str, Any]) -> list[Any]:
    targets = [*panel.targets, marks] if panel.marked else [*panel.targets]
    parameters: dict[str, Any] = {
        "target": targets,
        # The page's pictures are drawn with the title decoded once more than the URL was encoded.
        "title": quote(panel.title, safe=" ,:'"),
        "vtitle": _AXES.get(panel.unit, panel.unit),
        "yMin": "0",
        "lineMode": "connected",
        "areaMode": "stacked" if panel.stacked else "none",
        "hideLegend": "false",
        **COLORS,
    }
    url = "/render?" + urlencode({**defaults, **parameters}, doseq=True)
    return [urlencode({"target": targets}, doseq=True), parameters, url]
