"""Which requests are kept: the best of each kind, route, method and hour, within bounds."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpRequest

from perfkit.capture.current import Trace, current
from perfkit.conf import Settings, get_settings
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.observation import Observation
from perfkit.record import Finding, RequestRecord
from perfkit.samples.keeper import HOUR_S, SampleKeeper, describe
from tests.analyzers.handmade import query

AT = 1_700_000_000.0 // HOUR_S * HOUR_S

KEPT = 3


def settings_of(**options: Any) -> Settings:
    """Return settings that keep three of each kind."""
    return replace(get_settings(), **{"store": {"NAME": "x"}, "samples_per_hour": KEPT, **options})


class Worker:
    """One worker's keeper, fed with made requests."""

    def __init__(self, **options: Any) -> None:
        settings = settings_of(**options)
        self.aggregate = Aggregate(settings.max_routes)
        self.keeper = SampleKeeper(settings)

    def request(
        self, ms: float = 10.0, *, error: str = "", recorded: bool = True, **facts: Any
    ) -> None:
        """Take one request."""
        trace = Trace(100, 1.0) if recorded else None
        observation = Observation(HttpRequest(), trace, True, lambda done: None)
        observation.leave()
        observation.finish()
        observation.error = error
        given = {"route": "/a/", "method": "GET", "status": 200, "started_at": AT, **facts}
        record = RequestRecord(duration_ms=ms, **given)
        self.aggregate.add(record, recorded, 0)
        self.keeper.consider(observation, record, self.aggregate.window(record.started_at))

    def window(self) -> Window:
        """Return everything of this worker, merged."""
        whole = Window()
        for window in self.aggregate.take().values():
            whole.merge(window)
        return whole

    def samples(self, kind: str) -> list[Sample]:
        """Return what was kept of a kind, best first."""
        found = [sample for sample in self.window().samples if sample.kind == kind]
        return sorted(found, key=lambda sample: -sample.rank)


@pytest.fixture(autouse=True)
def no_recording() -> Iterable[None]:
    """Leave nothing behind: an observation that was never current."""
    yield
    current.set(None)


def ranks(samples: Iterable[Sample]) -> list[float]:
    """Return the ranks."""
    return [sample.rank for sample in samples]


def loops(count: int, kind: str = "n_plus_one") -> tuple[Finding, ...]:
    """Return a finding of so many statements."""
    return (Finding(kind, "warning", "", count, 0, 0.0, "f"),)


def test_the_slowest_of_the_hour_are_kept() -> None:
    """In whatever order they come, those that the store would choose have been sent to it."""
    worker = Worker()
    times = [float(ms) for ms in range(1, 200)]
    random.Random(4).shuffle(times)
    for ms in times:
        worker.request(ms)
    kept = worker.samples(SLOWEST)
    assert ranks(kept)[:KEPT] == [199, 198, 197]
    assert len(kept) < 30, "of so many requests few are written"


def test_equal_requests_are_kept_once_over() -> None:
    """A route that always takes the same fills its places once an hour."""
    worker = Worker()
    for _ in range(100):
        worker.request(5.0)
    assert ranks(worker.samples(SLOWEST)) == [5.0] * KEPT


def test_each_route_and_method_and_hour_has_its_own() -> None:
    """A quick route's slowest is kept beside a slow one's."""
    worker = Worker()
    for _ in range(10):
        for ms, facts in (
            (100.0, {}),
            (1.0, {"route": "/b/"}),
            (2.0, {"method": "POST"}),
            (3.0, {"started_at": AT + HOUR_S}),
        ):
            worker.request(ms, **facts)
            worker.request(ms, **facts)
    kept = worker.samples(SLOWEST)
    assert {(each.route, each.method, each.rank) for each in kept} >= {
        ("/a/", "GET", 100.0),
        ("/b/", "GET", 1.0),
        ("/a/", "POST", 2.0),
        ("/a/", "GET", 3.0),
    }


def test_the_next_hour_begins_anew_and_late_ends_do_not() -> None:
    """A request of the hour before, which ends now, does not open that hour's places again."""
    worker = Worker()
    for _ in range(KEPT + 1):
        worker.request(9.0)
    for _ in range(KEPT + 1):
        worker.request(8.0, started_at=AT + HOUR_S)
    for _ in range(KEPT + 1):
        worker.request(7.0, started_at=AT + HOUR_S - 1)
    assert ranks(worker.samples(SLOWEST)) == [9.0] * KEPT + [8.0] * KEPT


def test_a_clock_that_jumped_ahead_and_back_keeps_on() -> None:
    """An hour of next year does not close this year's."""
    worker = Worker()
    worker.request(9.0, started_at=AT + 9_000 * HOUR_S)
    worker.request(1.0)
    assert ranks(worker.samples(SLOWEST)) == [9.0, 1.0]


def test_errors_of_each_class_come_first() -> None:
    """Three different ones tell more than the same one thrice."""
    worker = Worker()
    for _ in range(50):
        worker.request(status=500, error="ValueError")
    worker.request(status=500, error="shop.models.Book.DoesNotExist")
    worker.request(status=503)
    kept = worker.samples(ERRORED)[:KEPT]
    assert {(each.data["error"], each.data["status"]) for each in kept} == {
        ("ValueError", 500),
        ("shop.models.Book.DoesNotExist", 500),
        ("", 503),
    }
    assert ranks(kept) == [1.0] * KEPT


def test_what_was_cut_short_counts_as_errored() -> None:
    """As in the sums: a client that went away."""
    worker = Worker()
    worker.request(status=499, aborted=True)
    worker.request(status=404)
    [kept] = worker.samples(ERRORED)
    assert kept.data["aborted"]


def test_errors_without_end_are_bounded() -> None:
    """Names of classes are remembered up to a bound, and the places stay as many."""
    worker = Worker()
    for n in range(500):
        worker.request(status=500, error=f"made.Class{n}")
    assert len(worker.samples(ERRORED)) <= 30
    [kept] = worker.keeper._routes.values()
    assert len(kept.classes) <= 21


def test_the_worst_loops_are_kept() -> None:
    """By the statements that N+1 findings cover; other findings do not count."""
    worker = Worker()
    for count in (3, 40, 7, 100, 9, 2):
        worker.request(findings=loops(count))
    worker.request(findings=loops(900, "duplicate_query"))
    kept = worker.samples(N_PLUS_ONE)
    assert ranks(kept)[:KEPT] == [100, 40, 9]
    assert kept[0].data["in_loops"] == 100


def test_more_repeats_than_seen_are_worth_analyzing() -> None:
    """A request that is passed over by turns is looked at when it may hold the worst loop."""
    worker = Worker()
    trace = Trace(100, 1.0)
    assert not worker.keeper.is_worst_loop("/a/", "GET", trace)
    trace.events = [("SELECT 1", "default", 0.0, 0.0, None, None, 0, None)] * 6
    trace.statements = {"SELECT 1": "SELECT 1"}
    assert not worker.keeper.is_worst_loop("/a/", "GET", trace), "a new route is analyzed anyway"
    worker.request()
    told = [worker.keeper.is_worst_loop("/a/", "GET", trace) for _ in range(KEPT + 1)]
    assert told == [True] * KEPT + [False]
    trace.events = trace.events * 2
    assert worker.keeper.is_worst_loop("/a/", "GET", trace)


def test_what_was_only_timed_is_no_example_of_slowness() -> None:
    """It has no timeline; that it failed is told all the same."""
    worker = Worker()
    worker.request(1_000.0, recorded=False, status=500, error="ValueError")
    [kept] = worker.window().samples
    assert (kept.kind, kept.data["timeline"], kept.data["error"]) == (ERRORED, [], "ValueError")


def test_routes_beyond_the_limit_share_one_place() -> None:
    """A sample stands where its request was counted, and names its own route."""
    worker = Worker(max_routes=2)
    for n in range(10):
        worker.request(10.0 + n, route=f"/{n}/")
    kept = [sample for sample in worker.samples(SLOWEST) if sample.route == "_other"]
    assert [sample.data["route"] for sample in kept][:KEPT] == ["/9/", "/8/", "/7/"]


def test_ten_thousand_routes_take_no_more_memory_than_those_counted_apart() -> None:
    """What is remembered is bounded, whatever is asked for."""
    worker = Worker(max_routes=10)
    for n in range(10_000):
        worker.request(10.0 + n % 7, route=f"/{n}/", method=("GET", "POST")[n % 2])
        if n % 500 == 0:
            worker.window()
    assert len(worker.keeper._routes) <= 40


def test_routes_that_are_kept_apart_in_turn_take_bounded_memory() -> None:
    """The few that are counted apart change over time; what is known of the earlier ones goes."""
    keeper = SampleKeeper(settings_of(max_routes=2))
    window = Window()
    for n in range(100):
        record = RequestRecord(route=f"/{n}/", method="GET", status=200, started_at=AT)
        window.add(record.route, record, True, 0)
        observation = Observation(HttpRequest(), Trace(1, 1.0), True, lambda done: None)
        observation.leave()
        observation.finish()
        keeper.consider(observation, record, window)
        assert len(keeper._routes) <= 8


def test_a_long_timeline_says_what_it_leaves_out() -> None:
    """Entries, and how often they ran."""
    texts = [f"SELECT {'x' * n} FROM t" for n in range(1, 31)]
    data = describe(RequestRecord(), RequestRecord(queries=tuple(map(query, texts))), "")
    assert (len(data["timeline"]), data["left_out"]) == (24, [6, 6])


def test_a_worker_writes_a_bounded_number_in_an_hour() -> None:
    """A site that gets slower with every request would write all of them; what is not is counted."""
    worker = Worker(max_routes=4)
    most = 3 * KEPT * 4
    for n in range(100):
        worker.request(1.0 + n)
    window = worker.window()
    assert (len(window.samples), window.dropped["samples"]) == (most, 100 - most)
    worker.request(1_000.0, started_at=AT + HOUR_S)
    assert len(worker.window().samples) == 1


@pytest.mark.parametrize("options", [{"samples_per_hour": 0}, {"store": None}])
def test_switched_off_it_keeps_nothing(options: dict[str, Any]) -> None:
    """By the setting, or for want of a store to keep them in."""
    worker = Worker(**options)
    worker.request(status=500, findings=loops(9))
    assert worker.window().samples == []
    assert not worker.keeper.is_worst_loop("/a/", "GET", Trace(1, 1.0))
    assert worker.keeper._routes == {}
