"""Finds perfkit's series in Graphite, whichever way ``PERFKIT["STATSD"]["FORMAT"]`` spells them.

The names are those that ``contrib/graphite`` makes: a counter is ``stats.counters.<name>.count``, a timer's median
``stats.timers.<name>.median``. The etsy statsd turns DogStatsD's tags into Graphite's, so that both are tagged here.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Every HTTP method and _OTHER, and not TASK: a Celery task is no request, and keeps nobody waiting. Shorter than a list,
#: because a graph's URL holds it many times.
REQUESTS = "*[EOPU]*"

#: What a group of series is grouped by: a node of the path, counted from 0, or a tag.
Key = int | str


@dataclass(frozen=True, slots=True)
class Names:
    """The series of one site.

    Attributes:
        prefix: first nodes of every name, as ``PERFKIT["STATSD"]["PREFIX"]``.
        form: as ``PERFKIT["STATSD"]["FORMAT"]``.
        route: which routes are meant where they are shown apart: in ``plain`` a pattern for one node of a path,
            else a regular expression for the tag. All of them when it is empty.
    """

    prefix: str
    form: str
    route: str = ""

    @property
    def tagged(self) -> bool:
        """Whether route and method are tags; else they are nodes of the path."""
        return self.form != "plain"

    @property
    def by_route(self) -> tuple[Key, ...]:
        """What groups series by route."""
        return ("route",) if self.tagged else (self._nodes + 1,)

    @property
    def by_route_and_method(self) -> tuple[Key, ...]:
        """What groups series by route and method."""
        return ("route", "method") if self.tagged else (self._nodes + 1, self._nodes + 2)

    @property
    def by_host(self) -> tuple[Key, ...]:
        """What groups series by host; DogStatsD's agent adds the host itself, so that there all are one group."""
        if self.form == "tags":
            return ("host",)
        return (self._nodes + (1 if self.form == "plain" else 0),)

    def requests(self, metric: str) -> str:
        """Select a counter of the requests for every route; tasks are left out."""
        if self.tagged:
            task = "TASK" if self.form == "tags" else "task"
            return (
                f'seriesByTag("name={self._route_name("counters", metric)}.count","method!={task}")'
            )
        return f"stats.counters.{self._before}route.*.{REQUESTS}.{metric}.count"

    def routes(self, metric: str) -> str:
        """Select a counter of the routes that are meant, and every method, tasks too."""
        return self._of_routes("counters", f"{metric}.count", self.route)

    def timer(self, metric: str, statistic: str) -> str:
        """Select a timer's statistic, such as ``upper_95``, of the routes that are meant."""
        return self._of_routes("timers", f"{metric}.{statistic}", self.route)

    def process(self, metric: str) -> str:
        """Select a counter of the workers of every host."""
        return self._of_hosts("counters", f"{metric}.count")

    def process_timer(self, metric: str, statistic: str) -> str:
        """Select a timer's statistic of the workers of every host."""
        return self._of_hosts("timers", f"{metric}.{statistic}")

    def own(self, metric: str) -> str:
        """Name a counter of perfkit's own, which has neither nodes nor tags around it."""
        return f"stats.counters.{self._before}self.{metric}.count"

    @property
    def alive(self) -> str:
        """Name the counter that is sent with every flush of every worker."""
        return self.own("flushes")

    def routes_query(self) -> str:
        """Ask for the names of all routes, in Grafana's words for a variable."""
        if self.tagged:
            name = f"stats.counters.{self._before}route.requests.count"
            return f"tag_values(route, name={name})"
        return f"stats.counters.{self._before}route.*"

    @property
    def _before(self) -> str:
        return f"{self.prefix}." if self.prefix else ""

    @property
    def _nodes(self) -> int:
        """The place of the node after the prefix: ``route`` or ``process``."""
        return 2 + self._before.count(".")

    def _of_routes(self, kind: str, ending: str, route: str) -> str:
        if not self.tagged:
            return f"stats.{kind}.{self._before}route.{route or '*'}.*.{ending}"
        name = f'"name={self._route_name(kind, ending)}"'
        return f'seriesByTag({name},"route=~^{route}$")' if route else f"seriesByTag({name})"

    def _route_name(self, kind: str, ending: str) -> str:
        return f"stats.{kind}.{self._before}route.{ending}"

    def _of_hosts(self, kind: str, ending: str) -> str:
        if self.form == "tags":
            return f'seriesByTag("name=stats.{kind}.{self._before}process.{ending}")'
        host = "*." if self.form == "plain" else ""
        return f"stats.{kind}.{self._before}process.{host}{ending}"
