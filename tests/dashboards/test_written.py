"""The dashboards as they are written down: what graphite-web's page and Grafana read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import parse_qs, unquote_plus

import pytest

from perfkit.conf import STATSD_DEFAULTS, Settings, get_settings
from perfkit.dashboards.built import build, sent_prefix
from perfkit.dashboards.graphite_web import URL_LIMIT
from perfkit.metrics.statsd import StatsdSink

FORMS = ("plain", "tags", "dogstatsd")


def sending(prefix: str = "perfkit", form: str = "plain") -> Settings:
    """Return the settings of a site that sends so."""
    return replace(
        get_settings(),
        statsd={**STATSD_DEFAULTS, "PREFIX": prefix, "FORMAT": form},
        slo_target=0.999,
    )


@pytest.mark.parametrize("form", FORMS)
def test_graphite_web_gets_what_its_page_reads(form: str) -> None:
    """Of a graph: the targets as a query string, the parameters with a list of targets, a URL that is not too long."""
    state = build(sending("a-site.with.a-long.name.perfkit", form)).graphite_web
    assert json.loads(json.dumps(state)) == state
    assert set(state) == {
        "name",
        "defaultGraphParams",
        "refreshConfig",
        "timeConfig",
        "graphSize",
        "graphs",
    }
    assert len(state["graphs"]) > 20
    for query, parameters, url in state["graphs"]:
        assert parse_qs(query)["target"] == parameters["target"]
        assert parse_qs(url.partition("?")[2])["target"] == parameters["target"]
        assert len(url) <= URL_LIMIT
    titles = [graph[1]["title"] for graph in state["graphs"]]
    assert len(set(titles)) == len(titles)
    assert "N+1 statements a request by route" in map(unquote_plus, titles)


@pytest.mark.parametrize("form", FORMS)
def test_grafana_gets_a_whole_model(form: str) -> None:
    """Ids are unique, panels do not overlap, and every panel has a unit, a help and targets with letters."""
    model = build(sending("shop.perfkit", form)).grafana
    assert json.loads(json.dumps(model)) == model
    panels = [panel for panel in model["panels"] if panel["type"] != "row"]
    rows = [panel["title"] for panel in model["panels"] if panel["type"] == "row"]
    assert len(rows) == 6
    assert rows[1] == "SLO: 99.9 % good requests"
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])
    assert len(panels) > 20
    for panel in panels:
        assert panel["type"] == "timeseries"
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCDEFG"[: len(letters)])
        assert letters
        assert all(target["textEditor"] for target in panel["targets"])
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in model["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


def test_grafana_asks_for_a_data_source() -> None:
    """The data source is the dashboard's first variable, which every panel and query names."""
    model = build(sending()).grafana
    source, route = model["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "graphite")
    asking = [route, *model["annotations"]["list"]]
    asking += [panel for panel in model["panels"] if panel["type"] != "row"]
    assert {each["datasource"]["uid"] for each in asking} == {"${datasource}"}


def test_grafana_asks_for_routes_as_names_are_spelled() -> None:
    """The variable of routes is a path's node in plain names and a tag's values in tagged ones."""
    plain, tagged = (build(sending("p", form)).grafana for form in ("plain", "tags"))
    variables = [model["templating"]["list"][1] for model in (plain, tagged)]
    assert [(each["query"], each["allValue"]) for each in variables] == [
        ("stats.counters.p.route.*", "*"),
        ("tag_values(route, name=stats.counters.p.route.requests.count)", ".*"),
    ]


def test_grafana_marks_deploys() -> None:
    """Deploys are annotations by the tags under which perfdash deploy keeps them, this site's alone."""
    built = build(sending("shop.perfkit"))
    (annotation,) = built.grafana["annotations"]["list"]
    assert built.deploy_tag == "deploy-shop.perfkit"
    assert annotation["tags"] == annotation["target"]["tags"] == ["deploy-shop.perfkit"]
    assert 'events("deploy-shop.perfkit")' in built.graphite_web["graphs"][0][1]["target"][-1]
    assert len(build(sending("x" * 90)).deploy_tag) == 50


def test_the_uid_is_the_prefixs() -> None:
    """A new version of a dashboard replaces the old one, and that of no other site; Grafana takes 40 characters."""
    uids = [
        build(sending(prefix)).grafana["uid"] for prefix in ("perfkit", "shop.perfkit", "x" * 90)
    ]
    assert uids[:2] == ["perfkit", "perfkit-shop-perfkit"]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) for uid in uids)


@pytest.mark.parametrize(
    "prefix", ["perfkit", "", "a b.c/d", "..x..y.", "é" * 300, "a" * 99 + ".b"]
)
def test_the_prefix_is_the_one_that_is_sent(prefix: str) -> None:
    """Dashboards look where the sink writes, whatever PREFIX holds."""
    assert sent_prefix(prefix) == vars(StatsdSink("127.0.0.1", 8125, prefix))["_prefix"]


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_prefix_leaves_no_empty_node(form: str) -> None:
    """A node with no name would match nothing."""
    text = json.dumps(build(sending("", form)).graphite_web)
    assert ".." not in text
    assert "stats.counters.route." in text


def test_without_statsd_the_defaults_count() -> None:
    """A dashboard can be written before the site sends anything."""
    assert build(replace(sending(), statsd=None)).graphite_web["name"] == "perfkit"
