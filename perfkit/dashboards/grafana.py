"""Writes the panels down as Grafana's classic dashboard JSON, for its Graphite data source.

The data source is a variable of the dashboard, and not an input of the import, so that the same file can be imported by
hand, put by the API and provisioned from a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from perfkit.dashboards.names import Names
from perfkit.dashboards.panel import Panel, Section

SOURCE = {"type": "graphite", "uid": "${datasource}"}
#: Before Grafana 8 there is no panel of the type timeseries; 39 is Grafana 10's, which later ones migrate.
SCHEMA_VERSION = 39
COLUMNS, WIDTH, HEIGHT = 24, 12, 8
UID_LIMIT = 40
_UNITS = {"percent": "percent", "ms": "ms", "req/s": "reqps", "bytes": "bytes", "": "short"}

#: What stands for the chosen routes in a path and in a regular expression, and for all of them.
ROUTE_NODE, EVERY_NODE = "${route}", "*"
ROUTE_TAG, EVERY_TAG = "${route:regex}", ".*"


def grafana_names(prefix: str, form: str) -> Names:
    """Name the series with the dashboard's variable in the place of the route."""
    return Names(prefix, form, ROUTE_NODE if form == "plain" else ROUTE_TAG)


def to_grafana(
    sections: tuple[Section, ...], names: Names, title: str, deploy_tag: str
) -> dict[str, Any]:
    """Return a dashboard's model.

    Args:
        sections: what is shown, each under a row of its own.
        names: where the series are.
        title: of the dashboard.
        deploy_tag: of the events that mark deploys.
    """
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", names.prefix)
    return {
        "uid": (slug if slug.startswith("perfkit") else f"perfkit-{slug}")[:UID_LIMIT],
        "title": title,
        "tags": ["django", "perfkit"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source_variable(), _route_variable(names)]},
        "annotations": {"list": [_deploys(deploy_tag)]},
        "panels": list(_panels(sections)),
    }


def interpolated(target: str, routes: tuple[str, ...] = ()) -> str:
    """Put chosen routes in the place of the variable, as Grafana does before it asks; all when none is chosen."""
    node, tag = EVERY_NODE, EVERY_TAG
    if routes:
        node = f"{{{','.join(routes)}}}"
        tag = f"({'|'.join(map(_escaped, routes))})"
    return target.replace(ROUTE_TAG, tag).replace(ROUTE_NODE, node)


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", text)


def _source_variable() -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "graphite",
        "current": {},
        "options": [],
        "refresh": 1,
        "hide": 0,
    }


def _route_variable(names: Names) -> dict[str, Any]:
    return {
        "type": "query",
        "name": "route",
        "label": "Route",
        "datasource": SOURCE,
        "definition": names.routes_query(),
        "query": names.routes_query(),
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": EVERY_TAG if names.tagged else EVERY_NODE,
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
        "sort": 1,
        "hide": 0,
    }


def _deploys(tag: str) -> dict[str, Any]:
    return {
        "name": "Deploys",
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "rgba(120, 120, 120, 1)",
        # Where Grafana looks for them has changed; each version reads its own and leaves the other.
        "tags": [tag],
        "target": {"refId": "Anno", "fromAnnotations": True, "tags": [tag]},
    }


def _panels(sections: tuple[Section, ...]) -> Iterator[dict[str, Any]]:
    number = y = 0
    for section in sections:
        number += 1
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        row = {"type": "row", "title": section.title, "collapsed": False, "panels": []}
        yield {"id": number, **row, "gridPos": place}
        y += 1
        for index, panel in enumerate(section.panels):
            number += 1
            column = index * WIDTH % COLUMNS
            place = {"x": column, "y": y, "w": WIDTH, "h": HEIGHT}
            yield _panel(panel, number, place)
            if column + WIDTH == COLUMNS or index == len(section.panels) - 1:
                y += HEIGHT


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    letters = [chr(ord("A") + index) for index in range(len(panel.targets))]
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": _UNITS[panel.unit],
                "min": 0,
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": 40 if panel.stacked else 0,
                    "showPoints": "auto",
                    "spanNulls": True,
                    "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": letter, "datasource": SOURCE, "target": target, "textEditor": True}
            for letter, target in zip(letters, panel.targets, strict=True)
        ],
    }
