"""Event loops that turn, that stand still, and that are gone."""

from __future__ import annotations

import asyncio

from perfkit.stacks.locate import BLOCKED_BY
from perfkit.watchdog.heartbeat import DUE_S, Heartbeats
from tests.watchdog.conftest import Hang
from tests.watchdog.hanging import Hanging


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def turn(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop do what waits."""
    loop.run_until_complete(asyncio.sleep(0))


def test_a_loop_is_blocked_when_it_does_not_answer() -> None:
    """Asked once it is given time, and after an answer it is asked anew."""
    clock, loop = Clock(), asyncio.new_event_loop()
    beats = Heartbeats(clock)
    assert not beats.is_blocked(loop)
    clock.now += DUE_S / 2
    assert not beats.is_blocked(loop)
    clock.now += DUE_S
    assert beats.is_blocked(loop)
    turn(loop)
    assert not beats.is_blocked(loop)
    beats.forget()
    clock.now += 2 * DUE_S
    assert not beats.is_blocked(loop)
    loop.close()


def test_a_closed_loop_is_not_blocked() -> None:
    """It will never answer, and nobody waits for it."""
    clock, loop = Clock(), asyncio.new_event_loop()
    loop.close()
    beats = Heartbeats(clock)
    assert not beats.is_blocked(loop)
    clock.now += 2 * DUE_S
    assert not beats.is_blocked(loop)


def test_sync_code_in_an_async_view_blocks_its_loop(hanging: Hanging) -> None:
    """The stack is that of the loop's thread: what the view is at."""
    hanging.ask_async("/blocking/?s=30")
    hanging.age(11.0)
    hanging.age(11.3)
    hanging.watchdog.finish()
    (sample,), _ = hanging.watchdog.take()
    assert sample.data["blocked_loop"]
    ((line, count, _),) = sample.data["tree"]
    assert (line.split()[-1], count) == ("blocking", 2)


def test_those_who_wait_for_a_blocked_loop_tell_who_blocks_it(hang: Hang) -> None:
    """A calm request that cannot go on names the code that stands in its way."""
    hanging = hang()
    hanging.ask_async("/calm/")
    hanging.ask_async("/blocking/?s=30")
    hanging.age(11.0)
    hanging.age(11.3)
    hanging.watchdog.finish()
    samples, _ = hanging.watchdog.take()
    (calm,) = [sample for sample in samples if sample.route == "calm"]
    assert calm.data["blocked_loop"]
    lines = []
    tree = calm.data["tree"]
    while tree:
        line, _, tree = tree[0]
        lines.append(line)
    behind = lines[lines.index(BLOCKED_BY) + 1 :]
    assert "blocking" in [line.split()[-1] for line in behind]
