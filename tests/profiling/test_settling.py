"""The time around short statements is given back to the code that runs them."""

from __future__ import annotations

from perfkit.profiling.capture import Frame, Node, Profile, Span, StackSample
from perfkit.profiling.settling import AROUND, settled

VIEW = Frame("shop/views.py", 1, "books", "site")
ORM = Frame("django/db/models/query.py", 1, "QuerySet._fetch_all", "framework")
HOOK = Frame("perfkit/capture/sql.py", 44, "observe", "framework")
DRIVER = Frame("django/db/backends/sqlite3/base.py", 1, "execute", "framework")


def profile(*samples: StackSample) -> Profile:
    """Make a profile of a view that loops over statements; node 3 is in one, node 0 in the view."""
    nodes = (Node(-1, 0, 5), Node(0, 1, 9), Node(1, 2, 60), Node(2, 3, 7))
    return Profile((VIEW, ORM, HOOK, DRIVER), nodes, samples)


def test_a_loop_of_short_statements() -> None:
    """All samples fell into statements, which took a tenth of the time: so much is theirs."""
    spans = [Span("db", at * 1.0, 0.1, "SELECT", None) for at in range(10)]
    found = settled(profile(StackSample(0.0, 5.0, 3), StackSample(5.0, 5.0, 3)), spans)
    times: dict[str, float] = {}
    for sample in found.samples:
        name = found.frames[found.nodes[sample.node].frame].function
        times[name] = times.get(name, 0.0) + sample.duration_ms
    assert {name: round(ms, 3) for name, ms in times.items()} == {
        "execute": 1.0,
        AROUND.function: 9.0,
    }
    around = next(node for node in found.nodes if found.frames[node.frame] == AROUND)
    assert found.frames[found.nodes[around.parent].frame] == VIEW
    assert sum(sample.duration_ms for sample in found.samples) == 10.0


def test_a_long_statement_keeps_its_samples() -> None:
    """The whole time was spent in it."""
    whole = profile(StackSample(0.0, 5.0, 3), StackSample(5.0, 5.0, 3))
    assert settled(whole, [Span("db", 0.0, 10.0, "SELECT", None)]) == whole


def test_samples_outside_of_statements_stay() -> None:
    """What the view computes was seen as it is."""
    whole = profile(StackSample(0.0, 5.0, 0))
    assert settled(whole, [Span("db", 1.0, 0.5, "SELECT", None)]) == whole
    assert settled(whole, []) == whole


def test_spans_in_each_other_count_once() -> None:
    """A cache in the database: the call and its statement are one time."""
    spans = [Span("cache", 0.0, 4.0, "default get", None), Span("db", 1.0, 2.0, "SELECT", None)]
    found = settled(profile(StackSample(0.0, 8.0, 3)), spans)
    assert [sample.duration_ms for sample in found.samples] == [4.0, 4.0]


def test_statements_without_a_caller() -> None:
    """Middleware of the framework's own asks: what is around it has no line of the site."""
    nodes = (Node(-1, 1, 9), Node(0, 2, 60), Node(1, 3, 7))
    whole = Profile((VIEW, ORM, HOOK, DRIVER), nodes, (StackSample(0.0, 2.0, 2),))
    found = settled(whole, [Span("db", 0.0, 1.0, "SELECT", None)])
    assert [found.nodes[sample.node].parent for sample in found.samples] == [-1, 1]
