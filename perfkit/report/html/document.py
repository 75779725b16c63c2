"""Renders the page: templates and scripts of ours, without the site's template settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.template import Context, Engine

from perfkit.report.html.assets import asset, embedded, in_ascii, policy
from perfkit.report.html.cache import cache_section
from perfkit.report.html.comparison import comparison_view
from perfkit.report.html.page import page_of, requests_kept
from perfkit.report.html.plots import plot_data
from perfkit.report.model import ReportModel

_TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"

#: Observable Plot comes first and gives ``Plot``; the others are modules of their own.
_LIBRARY: Final = "vendor/plot.js"
_SCRIPTS: Final = (
    "theme.js",
    "copy.js",
    "plots.js",
    "report-over-time.js",
    "report-bars.js",
    "report-timeline.js",
    "report-cache.js",
)
_STYLES: Final = ("tokens.css", "page.css", "plots.css", "report.css")


def to_html(model: ReportModel, version: str) -> str:
    """Write a report as one HTML file, in ASCII.

    Args:
        model: the report, with its series where there are steps to plot.
        version: perfkit's own, which no module in it may import.
    """
    scripts = [asset(_LIBRARY, is_module=False), *map(asset, _SCRIPTS)]
    styles = [asset(name) for name in _STYLES]
    page = page_of(model, version)
    context = {
        "page": page,
        "comparison": comparison_view(model.comparison) if model.comparison else None,
        "cache": cache_section(model),
        "data": embedded(plot_data(model, requests_kept(page))),
        "policy": policy(scripts, styles),
        "scripts": scripts,
        "styles": styles,
    }
    # An engine of our own: the report is the same whatever the site's TEMPLATES are, or without any.
    engine = Engine(
        dirs=[str(_TEMPLATES)],
        builtins=["django.templatetags.i18n"],
        autoescape=True,
    )
    template = engine.get_template("perfkit/report/report.html")
    return in_ascii(template.render(Context(context)))
