"""Builds both dashboards as the settings ask for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfkit.conf import STATSD_DEFAULTS, Settings
from perfkit.dashboards.grafana import grafana_names, to_grafana
from perfkit.dashboards.graphite_web import to_graphite_web
from perfkit.dashboards.names import Names
from perfkit.dashboards.sections import sections

#: As the statsd sink writes a prefix; a test holds the two together.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_PREFIX_LIMIT: Final = 100
#: What graphite-web's database takes.
_TAG_LIMIT: Final = 50


@dataclass(frozen=True, slots=True)
class Dashboards:
    """What there is to install and to check.

    Attributes:
        graphite_web: a state for graphite-web's dashboard page.
        grafana: a model in Grafana's classic JSON.
        deploy_tag: what events carry that mark this site's deploys.
    """

    graphite_web: dict[str, Any]
    grafana: dict[str, Any]
    deploy_tag: str


def build(settings: Settings, name: str = "") -> Dashboards:
    """Write both dashboards for the prefix and format under which the site sends.

    Args:
        settings: ``statsd``, ``apdex_ms`` and ``slo_target`` are read; without statsd its defaults count.
        name: of the dashboard; the prefix when there is none.
    """
    statsd: Mapping[str, Any] = settings.statsd or STATSD_DEFAULTS
    prefix, form = sent_prefix(statsd["PREFIX"]), statsd["FORMAT"]
    # One tag that says it all, because several sites may share a Graphite: asked for events with two tags of which one
    # was never used, graphite-web 1.1 answers with those that have the other.
    tag = f"deploy-{prefix or 'perfkit'}"[:_TAG_LIMIT]
    title = name or prefix or "perfkit"
    shared = (settings.apdex_ms, settings.slo_target)
    of_grafana = grafana_names(prefix, form)
    return Dashboards(
        to_graphite_web(sections(Names(prefix, form), *shared), title, tag),
        to_grafana(sections(of_grafana, *shared), of_grafana, title, tag),
        tag,
    )


def sent_prefix(prefix: str) -> str:
    """Return a prefix as the metrics bear it."""
    nodes = (_UNSAFE.sub("_", node) for node in prefix.split(".") if node)
    return ".".join(nodes)[:_PREFIX_LIMIT].rstrip(".")
