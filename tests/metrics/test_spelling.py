"""Spelling: one route, one host and perfkit itself in each of the three formats."""

from __future__ import annotations

import pytest

from perfkit.conf import STATSD_FORMATS
from perfkit.metrics.spelling import Scope, process_scope, route_scope, self_scope


def spelled(scope: Scope) -> str:
    """Put a metric and a value where they go."""
    return f"{scope.before}metric{scope.after}:1|c{scope.tail}"


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("plain", "route.things--_pk_.GET.metric:1|c"),
        ("tags", "route.metric;method=GET;route=things--_pk_:1|c"),
        ("dogstatsd", "route.metric:1|c|#method:get,route:things--_pk_"),
    ],
)
def test_a_route_is_told_in_the_name_or_in_tags(form: str, line: str) -> None:
    """The same node for a route in all three."""
    assert spelled(route_scope(form, "/things/<int:pk>/", "GET")) == line


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("plain", "process.web-1.metric:1|c"),
        ("tags", "process.metric;host=web-1:1|c"),
        ("dogstatsd", "process.metric:1|c"),
    ],
)
def test_a_host_is_told_but_to_an_agent_that_knows_it(form: str, line: str) -> None:
    """Datadog's agent adds the host's name by itself, and better."""
    assert spelled(process_scope(form, "web-1")) == line


def test_perfkit_itself_is_spelled_alike_everywhere() -> None:
    """It has nothing to be told apart by."""
    assert spelled(self_scope()) == "self.metric:1|c"


def test_every_format_of_the_settings_is_known() -> None:
    """What the check lets pass can be sent."""
    for form in STATSD_FORMATS:
        assert route_scope(form, "/", "GET").before
