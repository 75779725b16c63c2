"""The watchdog's small parts: trees, statements, the hour, the allowance, stacks."""

from __future__ import annotations

import queue
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

import perfkit
from perfkit.capture.current import LONGEST_SQL
from perfkit.stacks.statement import LONGEST_TEXT, Running, masked, running_in
from perfkit.stacks.threads import Threads, stack_from
from perfkit.watchdog import hour
from perfkit.watchdog.guard import MOST_SAVED_S, SHARE, Allowance
from perfkit.watchdog.hour import HOUR_S, LastHour
from perfkit.watchdog.steps import steps_of
from perfkit.watchdog.tree import StackTree


def test_stacks_that_begin_alike_share_a_branch() -> None:
    """Each line tells how often it was seen below its caller, the most seen first."""
    tree = StackTree()
    for steps in (("a", "b"), ("a", "c"), ("a", "c"), ("d",), ()):
        tree.add(steps)
    assert tree.count == 5
    assert tree.to_json() == [["a", 3, [["c", 2, []], ["b", 1, []]]], ["d", 1, []]]


def test_the_least_seen_lines_go_first() -> None:
    """Of a tree with too many lines those are kept that were seen most."""
    tree = StackTree()
    for number in range(200):
        tree.add(("top", f"once {number}"))
    tree.add(("top", "twice"))
    tree.add(("top", "twice"))
    assert tree.to_json() == [["top", 202, [["twice", 2, []]]]]


class Driver:
    """Runs what the database runs, as a function of SQLite's, and looks at the stack."""

    def __init__(self) -> None:
        self.found: list[Running | None] = []

    def __call__(self) -> int:
        self.found.append(running_in(stack_from(sys._getframe())))
        return 1


@pytest.fixture
def driver(db: None) -> Driver:
    """Let a statement see itself."""
    driver = Driver()
    connection.ensure_connection()
    connection.connection.create_function("looks", 0, driver)
    return driver


def run(sql: Any, params: Any = None) -> None:
    """Run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def test_the_running_statement_is_read_from_the_stack(driver: Driver) -> None:
    """Its text as given; when it began is known only where the hook runs it."""
    run("SELECT looks(), 'secret'")
    assert driver.found == [Running("SELECT looks(), 'secret'", None)]


def test_the_hook_knows_when_it_began(driver: Driver) -> None:
    """The clock that it reads before the statement stands in its frame."""
    with perfkit.record():
        run("SELECT looks()")
    (found,) = driver.found
    assert found is not None
    assert found.started is not None
    assert found.started > 0


def test_many_runs_are_one_statement(driver: Driver) -> None:
    """``executemany()`` runs through another function of Django's."""
    run("CREATE TEMPORARY TABLE looking (at int)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO looking VALUES (looks() + %s)", [(1,)])
    assert [found and found.sql for found in driver.found] == [
        "INSERT INTO looking VALUES (looks() + %s)"
    ]
    run("DROP TABLE looking")


class Composed:
    """A statement as drivers compose it."""

    def as_string(self, connection: object) -> str:
        """Ask the connection how to quote."""
        raise AssertionError("the connection is in use by another thread")


def test_a_statement_that_is_no_text_is_named_by_its_type(driver: Driver) -> None:
    """What composes it belongs to the connection, which is in use."""
    cursor = SimpleNamespace(execute=lambda sql: driver())
    wrapper: Any = CursorWrapper(cursor, connection)
    wrapper._execute(Composed(), None)
    assert driver.found == [Running("<Composed>", None)]


def test_no_statement_runs_outside_of_the_database() -> None:
    """A stack without one has none."""
    assert running_in(stack_from(sys._getframe())) is None


def test_a_long_statement_is_cut() -> None:
    """Before it is masked, so that masking costs little, and after."""
    sql = "SELECT " + ", ".join(f"column_{number}" for number in range(2_000))
    text = masked(sql[:LONGEST_SQL])
    assert len(text) <= LONGEST_TEXT
    assert text.endswith(" ...")


def test_a_literal_that_is_cut_is_masked() -> None:
    """Half of a secret is one too."""
    assert masked("SELECT * FROM t WHERE name = 'half of a sec") == "SELECT * FROM t WHERE name = ?"


def test_an_hour_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told more than an hour ago, and the route that was silent for longest."""
    monkeypatch.setattr(hour, "MOST_NAMES", 2)
    last = LastHour(2)
    for name, at in (("a", 0.0), ("a", 10.0), ("b", 20.0)):
        last.tell((name, "GET"), at)
    assert last.is_full(("a", "GET"), 30.0)
    assert not last.is_full(("a", "GET"), HOUR_S + 5.0)
    assert last.told(("b", "GET"), 30.0) == 1
    last.tell(("c", "GET"), 40.0)
    assert [last.told((name, "GET"), 50.0) for name in "abc"] == [0, 1, 1]


def test_cpu_time_is_saved_up_and_spent() -> None:
    """A burst is free up to what was saved; then each second waits for its share."""
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    assert allowance.spend(MOST_SAVED_S / 2) == 0.0
    assert allowance.spend(MOST_SAVED_S) == pytest.approx(MOST_SAVED_S / 2 / SHARE)
    now[0] += MOST_SAVED_S / 2 / SHARE
    assert allowance.spend(0.0) == pytest.approx(0.0)
    now[0] += 1e6
    assert allowance.spend(2 * MOST_SAVED_S) == pytest.approx(MOST_SAVED_S / SHARE)


def test_the_stack_of_a_thread_that_is_gone() -> None:
    """There is none, and no error."""
    threads = Threads(dict)
    frame = sys._getframe()
    assert threads.stack(1) is None
    assert threads.inside(frame) == [frame]
    assert threads.working_for(object()) is None


def test_a_stack_without_a_line_of_the_sites() -> None:
    """The two innermost lines tell at least what it waits for."""
    waiting: queue.Queue[None] = queue.Queue()
    thread = threading.Thread(target=waiting.get)
    thread.start()
    lines: list[str] = []
    while not (lines and lines[-1].endswith(" Condition.wait")):
        assert thread.ident is not None
        lines = [*steps_of(Threads().stack(thread.ident) or []).lines]
    waiting.put(None)
    thread.join()
    assert [line.split()[-1] for line in lines] == ["Queue.get", "Condition.wait"]


def test_nothing_is_made_of_nothing() -> None:
    """No frames, no lines."""
    assert steps_of([]) == ((), "")
