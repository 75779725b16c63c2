"""Every target of both dashboards, evaluated by the real Graphite over a site whose figures are known."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest

from perfkit.conf import get_settings
from perfkit.dashboards.built import Dashboards, build
from perfkit.dashboards.check import Asked, evaluate, of_grafana, of_graphite_web
from perfkit.dashboards.grafana import interpolated
from perfkit.dashboards.names import REQUESTS
from perfkit.dashboards.server import GraphiteWeb
from perfkit.metrics.route import METHODS
from tests.dashboards.sent import Site

SINCE = "-10min"
TASK = "_task--shop--tasks--charge"


def asked(dashboards: Dashboards) -> list[Asked]:
    """List the targets of both."""
    return [*of_graphite_web(dashboards.graphite_web), *of_grafana(dashboards.grafana)]


def shown(server: GraphiteWeb, panel: str) -> dict[str, set[float]]:
    """Return the lines of a panel of graphite-web's dashboard, each with the values it takes."""
    targets = [each for each in asked(build(get_settings())) if each.panel == panel]
    return {
        line["target"]: {round(value, 6) for value, _ in line["datapoints"] if value is not None}
        for each in targets
        if each.dashboard == "graphite-web"
        for line in server.render(each.target, SINCE)
    }


def test_tasks_are_no_requests() -> None:
    """In a path the pattern for methods matches each that HTTP has, and the word for others, and no task."""
    assert [method for method in (*METHODS, "_OTHER") if not fnmatchcase(method, REQUESTS)] == []
    assert not fnmatchcase("TASK", REQUESTS)


def test_every_target_has_data(graphite: GraphiteWeb, site: Site) -> None:
    """After traffic no graph of either dashboard is empty, and no series that it reads is absent."""
    dashboards = build(get_settings())
    graphite.mark("v1", ("deploy", dashboards.deploy_tag), time.time())
    answers = list(evaluate(graphite, asked(dashboards), SINCE))
    assert [each for each in answers if not each.passes(strict=True)] == []
    assert {each.asked.dashboard for each in answers} == {"graphite-web", "grafana"}
    assert len(answers) > 80


@pytest.mark.parametrize(
    ("panel", "lines"),
    [
        ("Requests a second", {"all": 5.0, "4xx": 0.2, "5xx": 0.1}),
        ("Errors", {"5xx": 2.0, "4xx": 4.0}),
        # 44 of 50 are good in time, 48 in four times that; their mean.
        ("Apdex at 500 ms", {"Apdex": 0.92}),
        (
            "Where a request's time goes, mean",
            {"queue": 4.0, "db": 41.0, "cache": 8.0, "code and the rest": 119.0},
        ),
        # 6 of 50 are not good, which is 12 times the hundredth that is allowed.
        (
            "SLO burn rate, 1h and 5min",
            {"1h": 12, "5min": 12, "page when both are above 14.4": 14.4},
        ),
        ("SLO burn rate, 6h and 30min", {"6h": 12, "30min": 12, "page when both are above 6": 6}),
        ("SLO burn rate, 3d and 6h", {"3d": 12, "6h": 12, "ticket when both are above 1": 1}),
        ("Top routes by total time", {"things--_pk_": 0.8, "_root": 0.04, TASK: 0.5}),
        ("Requests a second by route", {"things--_pk_": 2.0, "_root": 3.0, TASK: 1.0}),
        ("5xx by route", {"things--_pk_": 5.0, "_root": 0.0, TASK: 100.0}),
        ("Apdex at 500 ms by route", {"things--_pk_": 0.8, "_root": 1.0, TASK: 0.0}),
        ("Response size by route, mean", {"things--_pk_": 3000.0, "_root": 666.666667, TASK: 0.0}),
        ("Statements a request by route", {"things--_pk_": 12.0, "_root": 0.666667, TASK: 3.0}),
        ("N+1 statements a request by route", {"things--_pk_": 5.0, "_root": 0.0, TASK: 0.0}),
        ("Duplicate statements a request by route", {"things--_pk_": 2.0, "_root": 0.0, TASK: 0.0}),
        (
            "Database's share of the time by route",
            {"things--_pk_": 25.0, "_root": 12.5, TASK: 20.0},
        ),
        ("Cache hits", {"hits": 75.0}),
        ("Cache hits by route", {"things--_pk_": 75.0, TASK: 100.0}),
        ("Wait for a worker, mean", {"queue": 4.0}),
        ("perfkit's own cost, µs a request", {"background": 10.0}),
    ],
)
def test_a_panel_shows_the_right_figures(
    graphite: GraphiteWeb, site: Site, panel: str, lines: dict[str, float]
) -> None:
    """Each line is what a calculation by hand gives, at every point, in each spelling of names."""
    found = {name: values for name, values in shown(graphite, panel).items() if name != "deploy"}
    assert found == {name: {value} for name, value in lines.items()}


def test_percentiles_are_shown_by_route_and_method(graphite: GraphiteWeb, plain_site: Site) -> None:
    """A quick GET and a slow POST of one route stay two lines."""
    assert shown(graphite, "p95 by route") == {
        "things--_pk_.GET": {300.0},
        "_root.GET": {10.0},
        "_root.POST": {20.0},
        f"{TASK}.TASK": {4000.0},
    }


def test_hosts_are_shown_apart(graphite: GraphiteWeb, plain_site: Site) -> None:
    """A host that is fuller than others can be seen, and the sum of all is the site's."""
    assert shown(graphite, "Workers busy, by host") == {
        "web-1--example--com": {25.0},
        "web-2--example--com": {25.0},
    }
    assert shown(graphite, "Requests in flight") == {
        "in flight, mean": {2.4},
        "workers": {8.0},
        "most at once in a worker": {3.0},
    }


def test_grafana_shows_the_chosen_routes(graphite: GraphiteWeb, site: Site) -> None:
    """One route or several chosen in the variable are shown alone; the panels of all routes stay."""
    dashboard = build(get_settings()).grafana
    lines = {}
    for each in of_grafana(dashboard):
        if each.panel in ("Requests a second", "Statements a request by route"):
            for route in (("_root",), ("_root", "things--_pk_"), ("none",)):
                answer = graphite.render(interpolated(each.target, route), SINCE)
                lines.setdefault((each.panel, route), []).extend(line["target"] for line in answer)
    assert lines["Statements a request by route", ("_root",)] == ["_root"]
    assert set(lines["Statements a request by route", ("_root", "things--_pk_")]) == {
        "_root",
        "things--_pk_",
    }
    assert lines["Statements a request by route", ("none",)] == []
    assert lines["Requests a second", ("none",)] == ["all", "4xx", "5xx"]


def test_a_target_tells_which_series_are_absent(graphite: GraphiteWeb, plain_site: Site) -> None:
    """A graph of what never happened is 0, and the check says that its series is not there."""
    absent = plain_site.prefix.join(("stats.counters.", ".route.*.*.nothing.count"))
    present = plain_site.prefix.join(("stats.counters.", ".route.*.*.requests.count"))
    target = f"sumSeries({absent},scale({present},0))"
    (answer,) = evaluate(graphite, [Asked("graphite-web", "x", target)], SINCE)
    assert (answer.has_data, answer.absent) == (True, (absent,))
    assert answer.passes(strict=False)
    assert not answer.passes(strict=True)


def test_a_target_that_fails_tells_why(graphite: GraphiteWeb, plain_site: Site) -> None:
    """What Graphite cannot evaluate is a failure with Graphite's own reason, and the others go on."""
    targets = [Asked("grafana", "x", text) for text in ("constantLine()", "constantLine(1)")]
    failed, fine = evaluate(graphite, targets, SINCE)
    assert "constantLine() missing 1 required positional argument" in failed.error
    assert not failed.passes(strict=False)
    assert fine.passes(strict=True)
