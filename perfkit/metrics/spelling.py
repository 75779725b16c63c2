"""The three ways to tell statsd which route a number belongs to: in the name, as tags, as DogStatsD tags.

====================  ==================================================================================
``plain``             ``perfkit.route.<route>.<METHOD>.<metric>:1|c``
``tags``              ``perfkit.route.<metric>;method=<METHOD>;route=<route>:1|c``
``dogstatsd``         ``perfkit.route.<metric>:1|c|#method:<method>,route:<route>``
====================  ==================================================================================

In the place of route and method the workers of a host have ``process.<host>``, and perfkit's own
figures nothing. Datadog's agent knows its host, which is no tag there, and makes all letters of a tag
small, so that they are small before it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from perfkit.metrics.node import host_node, lower_case, method_node, route_node

PLAIN: Final = "plain"
TAGS: Final = "tags"
DOGSTATSD: Final = "dogstatsd"


class Scope(NamedTuple):
    """What stands around a metric's name and its value for one route, host or perfkit itself.

    Attributes:
        before: dotted nodes before the metric, with the dot at their end.
        after: what follows the metric's name.
        tail: what ends the line.
    """

    before: str
    after: str = ""
    tail: str = ""


def route_scope(form: str, label: str, method: str) -> Scope:
    """Return how the figures of a route and method are spelled.

    Args:
        form: one of ``plain``, ``tags``, ``dogstatsd``.
        label: the route, as it is counted.
        method: the method, as it is counted.
    """
    return _SCOPES[form]("route", {"method": method_node(method), "route": route_node(label)})


def process_scope(form: str, host: str) -> Scope:
    """Return how the figures of a host's workers are spelled."""
    return _SCOPES[form]("process", {} if form == DOGSTATSD else {"host": host_node(host)})


def self_scope() -> Scope:
    """Return how perfkit's own figures are spelled: alike in all forms."""
    return Scope("self.")


def _plain(group: str, tags: dict[str, str]) -> Scope:
    # The route before the method, as a reader of a tree of folders looks for it.
    return Scope(".".join([group, *reversed(tags.values()), ""]))


def _tagged(group: str, tags: dict[str, str]) -> Scope:
    return Scope(f"{group}.", "".join(f";{key}={value}" for key, value in tags.items()))


def _dogstatsd(group: str, tags: dict[str, str]) -> Scope:
    if not tags:
        return Scope(f"{group}.")
    method, route = tags["method"].lower(), lower_case(tags["route"])
    return Scope(f"{group}.", tail=f"|#method:{method},route:{route}")


_SCOPES: Final[dict[str, Callable[[str, dict[str, str]], Scope]]] = {
    PLAIN: _plain,
    TAGS: _tagged,
    DOGSTATSD: _dogstatsd,
}
