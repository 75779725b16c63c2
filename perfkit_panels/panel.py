"""The perfkit panel: the record's figures and findings of one request, from plain JSON."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from debug_toolbar.panels import Panel
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template import Context, Engine
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from perfkit.analysis import build
from perfkit.isolation import isolated
from perfkit.observation import Observation

#: Shapes listed; the toolbar loads the stored stats of every request of its history.
MOST_SHAPES = 50
MOST_FINDINGS = 30


@cache
def engine() -> Engine:
    """Return an engine of our own: the panel needs no entry in ``INSTALLED_APPS``."""
    return Engine(dirs=[str(Path(__file__).parent / "templates")])


class PerfkitPanel(Panel):
    """Shows what perfkit recorded; needs the middleware below the toolbar's.

    ``content`` and the titles read stored stats only, so that a request of the history looks the
    same as the one just made.
    """

    is_async = True
    title = _("perfkit")

    @property
    def nav_subtitle(self) -> str:
        """Name statements and findings, for the toolbar's button."""
        stats: dict[str, Any] = self.get_stats()
        if "record" not in stats:
            return str(stats.get("problem", ""))
        found = len(stats["record"]["findings"])
        statements = stats["record"]["statements"]
        told = ngettext("%d statement", "%d statements", statements) % statements
        return f"{told}, " + ngettext("%d finding", "%d findings", found) % found

    @property
    def content(self) -> str:
        """Render the stored stats; an error of ours is a line in the panel."""
        with isolated("panel"):
            context = Context(self.get_stats(), autoescape=True)
            return engine().get_template("perfkit_panels/panel.html").render(context)
        return "perfkit: the panel could not be rendered; see the log"

    def generate_stats(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Store the record as plain JSON; an error of ours is a line in the panel."""
        stats = {"problem": "perfkit: the request could not be analyzed; see the log"}
        with isolated("panel"):
            stats = _stats(getattr(request, "_perfkit", None))
        self.record_stats(stats)


def _stats(observation: Observation | None) -> dict[str, Any]:
    if observation is None:
        return {
            "problem": "perfkit.middleware.PerfkitMiddleware is not in MIDDLEWARE, or is off",
        }
    record = build(observation).to_dict()
    shapes: dict[tuple[str, str], dict[str, Any]] = {}
    for query in record["queries"]:
        shape = shapes.setdefault(
            (query["shape"], query["alias"]),
            {"shape": query["shape"], "alias": query["alias"], "count": 0, "duration_ms": 0.0},
        )
        shape["count"] += 1
        shape["duration_ms"] += query["duration_ms"]
        shape.setdefault("site", query["site"])
    ordered = sorted(shapes.values(), key=lambda shape: -shape["duration_ms"])
    record["findings"] = record["findings"][:MOST_FINDINGS]
    for part in ("queries", "paths", "cache_calls"):
        del record[part]
    return {
        "record": record,
        "shapes": ordered[:MOST_SHAPES],
        "more_shapes": max(len(ordered) - MOST_SHAPES, 0),
        "recorded": observation.trace is not None,
    }
