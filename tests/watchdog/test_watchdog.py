"""Which requests are looked into, when, how often, and what is told of them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from perfkit.observation import RUNNING
from perfkit.watchdog import stalls, watchdog
from perfkit.watchdog.tree import MOST_NODES
from perfkit.watchdog.watchdog import EARLY, EVERY_S, MOST_LOOKS, Watchdog
from tests.watchdog.conftest import Hang
from tests.watchdog.hanging import Hanging, name_of
from tests.watchdog.site_urls import SECRET


class Fault(RuntimeError):
    """What is injected."""


def fault(*args: Any, **options: Any) -> Any:
    """Fail, whatever is asked."""
    raise Fault("injected")


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the watchdog has logged, without the parts that tell where."""
    return [
        record.getMessage().split(",")[0] for record in caplog.records if record.name == "perfkit"
    ]


def test_nothing_runs_and_nothing_is_done() -> None:
    """An idle process costs one test a second: no clock, no stack."""
    assert Watchdog(10.0, 5, name_of, clock=fault, tops=fault).scan() == 1.0


def test_young_requests_are_left_alone(hang: Hang) -> None:
    """No stack is taken of them, and the next scan comes when the first is half as old as allowed."""
    hanging = hang(tops=fault)
    hanging.ask("/hang/7/")
    assert hanging.age(4.75) == pytest.approx(0.25)
    assert hanging.age(1.0) == 1.0


def test_looks_come_before_the_limit_and_quickly_from_then_on(hang: Hang) -> None:
    """A request that reaches it has been looked into three times; after twenty there is silence."""
    ages: list[float] = []

    def tops() -> dict[int, Any]:
        ages.append(hanging.now - observation.started)
        return sys._current_frames()

    hanging = hang(tops=tops)
    observation = hanging.ask("/hang/7/")
    age_s = 0.0
    while age_s < 100.0:
        age_s += hanging.age(age_s)
    first = [share * 10.0 for share in EARLY]
    further = [10.0 + EVERY_S * step for step in range(1, MOST_LOOKS - len(EARLY) + 1)]
    assert ages == pytest.approx([*first, *further], abs=0.02)
    (sample,), dropped = hanging.watchdog.take()
    assert (sample.data["samples"], sample.data["requests"], dropped) == (MOST_LOOKS, 1, 0)
    assert not sample.data["ended"]
    assert sample.data["age_s"] == sample.rank == pytest.approx(ages[-1], abs=0.02)
    assert hanging.watchdog.take() == ([], 0)


def test_a_request_that_ends_in_time_is_not_told(
    hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    """It was looked into, and that is forgotten."""
    hanging.ask("/hang/7/")
    hanging.age(9.5)
    hanging.release()
    hanging.watchdog.scan()
    assert (hanging.watchdog.take(), logged(caplog)) == (([], 0), [])


def test_a_request_that_ends_right_behind_the_limit_is_told(hanging: Hanging) -> None:
    """With the looks before the limit, though none came after it."""
    observation = hanging.ask("/hang/7/")
    for age_s in (5.01, 7.51, 9.01):
        hanging.age(age_s)
    hanging.release()
    observation.ended = observation.started + 10.1
    hanging.watchdog.scan()
    (sample,), _ = hanging.watchdog.take()
    assert sample.data["samples"] == 3
    assert sample.data["ended"]
    assert sample.data["age_s"] == pytest.approx(10.1)


def test_requests_of_a_route_are_one_tree(
    hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty requests behind one lock are one sample and one line."""
    for number in range(3):
        hanging.ask(f"/hang/{number}/")
    hanging.age(10.5)
    hanging.release()
    hanging.watchdog.scan()
    (sample,), _ = hanging.watchdog.take()
    assert (sample.data["requests"], sample.data["samples"]) == (3, 3)
    ((line, count, _),) = sample.data["tree"]
    assert (line.split()[-1], count) == ("hang", 3)
    assert logged(caplog) == [f"perfkit: GET hang hung for {sample.rank:.1f} s (3 requests)"]


def test_of_one_route_few_are_looked_into(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of the same tell the same."""
    monkeypatch.setattr(watchdog, "MOST_OF_ROUTE", 2)
    hanging = hang()
    for number in range(4):
        hanging.ask(f"/hang/{number}/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    (sample,), dropped = hanging.watchdog.take()
    assert (sample.data["requests"], dropped) == (2, 0)


def test_the_number_that_is_looked_into_is_bounded(
    hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out is counted, once."""
    monkeypatch.setattr(watchdog, "MOST_WATCHED", 2)
    hanging = hang()
    for url in ("/hang/1/", "/query/", "/rendering/", "/deep/"):
        hanging.ask(url)
    hanging.age(11.0)
    hanging.age(11.1)
    hanging.watchdog.finish()
    samples, dropped = hanging.watchdog.take()
    assert ({sample.route for sample in samples}, dropped) == ({"hang", "query"}, 2)


def test_samples_that_nobody_takes_are_bounded(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it they are counted."""
    monkeypatch.setattr(stalls, "MOST_WAITING", 1)
    hanging = hang()
    hanging.ask("/hang/1/")
    hanging.ask("/query/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    samples, dropped = hanging.watchdog.take()
    assert (len(samples), dropped) == (1, 1)
    assert hanging.watchdog.take() == ([], 0)


def test_an_hour_has_so_many_samples_and_one_line(
    hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """A route that always hangs is told of now and then, not always."""
    made = []
    hanging = hang(per_hour=2)
    # Of each of these requests the watchdog hears as of one that began so much later.
    for hour in (0.0, 0.1, 0.2, 1.5):
        observation = hanging.ask("/hang/7/")
        observation.started += hour * 3_600
        hanging.now = observation.started + 11.0
        hanging.watchdog.scan()
        hanging.watchdog.finish()
        made.append(len(hanging.watchdog.take()[0]))
        hanging.release()
        hanging.watchdog.scan()
        hanging.again()
    assert made == [1, 1, 0, 1]
    assert logged(caplog) == ["perfkit: GET hang hung for 11.0 s so far"] * 2


def test_without_samples_there_is_the_log(hang: Hang, caplog: pytest.LogCaptureFixture) -> None:
    """SAMPLES_PER_HOUR = 0 keeps nothing, and does not switch the watchdog off."""
    hanging = hang(per_hour=0)
    hanging.ask("/hang/7/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    assert hanging.watchdog.take() == ([], 0)
    assert logged(caplog) == ["perfkit: GET hang hung for 11.0 s so far"]


def test_a_route_that_the_team_lives_with_is_left_alone(
    hang: Hang, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that holds its connection open on purpose is no news."""
    hanging = hang(is_accepted=lambda name: name == ("hang", "GET"), tops=fault)
    hanging.ask("/hang/7/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    assert (hanging.watchdog.take(), logged(caplog)) == (([], 0), [])


def test_a_tree_is_handed_over_while_its_requests_still_hang(
    hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may kill the worker soon: what was seen must be on its way by then."""
    monkeypatch.setattr(watchdog, "LONGEST_STALL_S", 1.0)
    hanging = hang()
    hanging.ask("/hang/7/")
    hanging.age(10.01)
    hanging.age(11.1)
    ((sample,), _) = hanging.watchdog.take()
    assert sample.data["age_s"] == pytest.approx(11.1)
    assert RUNNING


def test_a_statement_in_flight_is_told_masked(
    hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    """Its shape and its age; neither literals nor parameters leave the process."""
    hanging.ask(f"/query/?q={SECRET}")
    hanging.age(12.0)
    hanging.watchdog.finish()
    (sample,), _ = hanging.watchdog.take()
    statement = sample.data["statement"]
    assert statement["text"] == "SELECT perfkit_wait(?) WHERE ? = ?"
    assert 11.0 < statement["age_s"] <= 12.0
    assert "in a statement for 1" in caplog.messages[-1]
    assert SECRET not in json.dumps(sample.data) + caplog.text


def test_a_body_that_is_being_sent_says_so(hanging: Hanging) -> None:
    """Its answer had begun when it hung."""
    hanging.ask("/slow-body/")
    hanging.ask("/hang/7/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    samples, _ = hanging.watchdog.take()
    assert {sample.route: sample.data["streaming"] for sample in samples} == {
        "slow_body": True,
        "hang": False,
    }


def test_a_thread_that_answers_another_request_is_not_blamed(hanging: Hanging) -> None:
    """Of the requests of one thread the latest has its stack; the others' ends were not told."""
    left = hanging.ask("/hang/7/")
    later = hanging.ask("/query/")
    left.thread_id = later.thread_id
    hanging.age(11.0)
    hanging.watchdog.finish()
    samples, _ = hanging.watchdog.take()
    assert [sample.route for sample in samples] == ["query"]


def test_a_request_that_cannot_be_found_is_told_all_the_same(
    hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    """That it hangs is known, where it hangs is not."""
    observation = hanging.ask("/hang/7/")
    thread, observation.thread_id = observation.thread_id, 1
    hanging.age(11.0)
    hanging.watchdog.finish()
    observation.thread_id = thread
    (sample,), _ = hanging.watchdog.take()
    assert (sample.data["samples"], sample.data["tree"]) == (0, [])
    assert logged(caplog) == ["perfkit: GET hang hung for 11.0 s so far"]


def test_a_look_that_fails_stays_with_us(
    hang: Hang, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and the others are looked into."""
    hanging = hang()
    hanging.ask("/hang/1/")
    hanging.ask("/query/")
    real = hanging.watchdog._looker.look

    def look(observation: Any, *others: Any) -> Any:
        return fault() if "hang" in observation.request.path else real(observation, *others)

    monkeypatch.setattr(hanging.watchdog._looker, "look", look)
    hanging.age(11.0)
    hanging.age(11.3)
    hanging.watchdog.finish()
    samples, _ = hanging.watchdog.take()
    assert {sample.route: sample.data["samples"] for sample in samples} == {"hang": 0, "query": 2}
    assert [each for each in logged(caplog) if "failed" in each] == [
        "perfkit: watchdog failed; the site goes on"
    ]


def test_a_name_that_was_not_known_at_first(hanging: Hanging) -> None:
    """Before its URL is looked up a request has no route; it counts where it is at the limit."""
    observation = hanging.ask("/hang/7/")
    request = observation.request
    assert request is not None
    match, request.resolver_match = request.resolver_match, None
    hanging.age(5.01)
    request.resolver_match = match
    hanging.age(10.01)
    hanging.watchdog.finish()
    ((sample,), _) = hanging.watchdog.take()
    assert sample.route == "hang"


def test_a_name_that_turns_out_to_be_told_already(hang: Hang) -> None:
    """It is looked into, and nothing is made of it."""
    hanging = hang(per_hour=1)
    hanging.ask("/hang/7/")
    hanging.age(11.0)
    hanging.watchdog.finish()
    assert len(hanging.watchdog.take()[0]) == 1
    request = hanging.ask("/hang/8/").request
    assert request is not None
    match, request.resolver_match = request.resolver_match, None
    hanging.age(6.0)
    request.resolver_match = match
    hanging.age(12.0)
    hanging.watchdog.finish()
    assert hanging.watchdog.take() == ([], 0)


def test_what_has_been_looked_into_is_forgotten(
    hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of it does not grow with the requests of a day."""
    monkeypatch.setattr(watchdog, "MOST_WATCHED", 3)
    hanging = hang()
    for number in range(8):
        hanging.ask(f"/hang/{number}/")
        hanging.age(6.0)
        hanging.release()
        hanging.again()
    hanging.ask("/hang/9/")
    hanging.age(6.0)
    assert len(hanging.watchdog._known) <= 6


def test_a_deep_stack_keeps_its_innermost_lines(hanging: Hanging) -> None:
    """A sample stays small."""
    hanging.ask("/deep/")
    lines = hanging.lines()
    assert lines[0] == "..."
    assert len(lines) == 40
    assert [line.split()[-1] for line in lines[-4:-1]] == ["deep.down", "wait_here", "Event.wait"]


def test_a_template_has_its_own_lines(hanging: Hanging) -> None:
    """The line of the template that asks, not those of the engine."""
    hanging.ask("/rendering/")
    templates = [line for line in hanging.lines() if line.endswith(" template")]
    assert templates == [
        "tests/watchdog/shelf.html:1 template",
        "tests/watchdog/shelf.html:2 template",
    ]


def test_a_sample_stays_small(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was seen, the lines of its tree are bounded."""
    hanging = hang()
    hanging.ask("/hang/7/")
    numbers = iter(range(1_000_000))
    real = hanging.watchdog._looker.look

    def look(*given: Any) -> Any:
        seen = real(*given)
        lines = tuple(f"file.py:{next(numbers)} function" for _ in range(40))
        return seen._replace(steps=seen.steps._replace(lines=lines))

    monkeypatch.setattr(hanging.watchdog._looker, "look", look)
    for step in range(MOST_LOOKS):
        hanging.age(10.01 + step * (EVERY_S + 0.01))
    ((sample,), _) = hanging.watchdog.take()
    assert json.dumps(sample.data["tree"]).count("file.py") <= MOST_NODES
