"""Asks Graphite for every target of both dashboards, and tells which of them have data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from perfkit.dashboards.grafana import interpolated
from perfkit.dashboards.server import GraphiteError, GraphiteWeb

#: One selector of series within a target.
_SELECTOR = re.compile(r'seriesByTag\((?:"[^"]*",?)+\)|stats\.(?:counters|timers)\.[^,()"]+')
_TAGS_QUERY = re.compile(r"tag_values\((?P<tag>[^,()]+), (?P<expression>[^()]+)\)")
_MARK = "drawAsInfinite("


@dataclass(frozen=True, slots=True)
class Asked:
    """One target of a dashboard.

    Attributes:
        dashboard: ``graphite-web`` or ``grafana``.
        panel: the title of its graph.
        target: as it stands in the dashboard.
    """

    dashboard: str
    panel: str
    target: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What Graphite answered to one target.

    Attributes:
        asked: the target.
        series: lines that have a value.
        points: values of all of them.
        absent: selectors within the target that no series matches, such as server errors where there was none yet.
        error: why it could not be evaluated; empty when it could.
    """

    asked: Asked
    series: int
    points: int
    absent: tuple[str, ...] = ()
    error: str = ""

    @property
    def has_data(self) -> bool:
        """Whether something can be drawn."""
        return self.points > 0

    @property
    def is_mark(self) -> bool:
        """Whether it draws deploys, of which there may be none."""
        return _MARK in self.asked.target or self.asked.panel == "Deploys"

    def passes(self, *, strict: bool) -> bool:
        """Tell whether it is as it should be: with data; strictly, with every series that it reads."""
        if self.error:
            return False
        return (self.has_data and not self.absent) if strict else (self.has_data or self.is_mark)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            **asdict(self.asked),
            "series": self.series,
            "points": self.points,
            "absent": list(self.absent),
            "error": self.error,
        }


def of_graphite_web(state: dict[str, Any]) -> Iterator[Asked]:
    """List the targets of a graphite-web dashboard, ours or one that was loaded."""
    for graph in state["graphs"]:
        parameters = graph[1]
        for target in parameters["target"]:
            yield Asked("graphite-web", unquote(str(parameters.get("title", ""))), target)


def of_grafana(model: dict[str, Any]) -> Iterator[Asked]:
    """List the targets of a Grafana dashboard, the queries of its variables and its annotations."""
    for variable in model["templating"]["list"]:
        if variable["type"] == "query":
            yield Asked("grafana", f"variable {variable['name']}", variable["query"])
    for annotation in model["annotations"]["list"]:
        yield from (Asked("grafana", annotation["name"], tag) for tag in annotation["tags"])
    for panel in model["panels"]:
        for target in panel.get("targets", ()):
            yield Asked("grafana", panel["title"], target["target"])


def evaluate(server: GraphiteWeb, asked: Iterable[Asked], since: str) -> Iterator[Answer]:
    """Ask for each target, one after the other.

    Args:
        server: where the series are.
        asked: the targets; Grafana's are asked for all routes.
        since: where the time begins, such as ``-1h``.
    """
    # Both dashboards ask for much the same, and series by the same selectors.
    rendered = cache(lambda target: _counted(server.render(target, since)))
    for each in asked:
        try:
            yield _evaluated(server, each, since, rendered)
        except GraphiteError as error:
            yield Answer(each, 0, 0, error=str(error))


def _evaluated(
    server: GraphiteWeb, each: Asked, since: str, rendered: Callable[[str], tuple[int, int]]
) -> Answer:
    if each.panel.startswith("variable "):
        found = len(_values(server, each.target))
        return Answer(each, found, found)
    if each.panel == "Deploys":
        found = len(server.events(each.target, since))
        return Answer(each, found, found)
    target = interpolated(each.target)
    series, points = rendered(target)
    selectors = dict.fromkeys(_SELECTOR.findall(target))
    return Answer(each, series, points, tuple(one for one in selectors if not rendered(one)[1]))


def _values(server: GraphiteWeb, query: str) -> list[str]:
    tags = _TAGS_QUERY.fullmatch(query)
    return server.tag_values(tags["tag"], tags["expression"]) if tags else server.find(query)


def _counted(answer: list[dict[str, Any]]) -> tuple[int, int]:
    """Count the series that have a value, and the values."""
    values = [sum(point[0] is not None for point in series["datapoints"]) for series in answer]
    return sum(count > 0 for count in values), sum(values)
