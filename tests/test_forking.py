"""A fork and a write to the store do not meet; each in a process of its own, which forks."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Far more than any of this takes; reached only when something hangs.
PATIENCE_S = 60

PROGRAM = """
import os, threading
from perfkit import forking
from perfkit.forking import no_fork

order = []
inside, about_to = threading.Event(), threading.Event()

def fork(then=lambda: None):
    about_to.set()
    child = os.fork()
    if child == 0:
        then()
        os._exit(7)
    order.append("forked")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def write():
    with no_fork():
        inside.set()
        about_to.wait()
        order.append("written")

writer = threading.Thread(target=write)
"""


def run(program: str) -> str:
    """Run a program; return what it says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_fork_waits_for_a_write() -> None:
    """The child is made when no thread is inside SQLite any more."""
    assert run("writer.start(); inside.wait(); fork(); print(order)") == "['written', 'forked']"


def test_a_write_goes_on_after_a_fork() -> None:
    """In the parent as in the child, as often as one likes."""
    again = "\ndef again():\n    with no_fork(): pass\n"
    program = "again(); print(*[fork(again) for _ in range(3)]); again(); print(order)"
    assert run(again + program) == "7 7 7\n['forked', 'forked', 'forked']"


@pytest.mark.parametrize("child", ["lambda: None", "again"], ids=["idle", "writing"])
def test_a_write_that_hangs_does_not_stop_a_fork(child: str) -> None:
    """It waits for so long and no longer; the child can write all the same."""
    program = f"""
def again():
    with no_fork(): pass

forking.LONGEST_WAIT_S = 0.01
end = threading.Event()

def hang():
    with no_fork():
        inside.set()
        end.wait()

writer = threading.Thread(target=hang)
writer.start()
inside.wait()
print(fork({child}))
end.set()
writer.join()
print(fork({child}))
"""
    assert run(program) == "7\n7"


def test_threads_fork_one_after_the_other() -> None:
    """Several at once, beside one that writes: each fork ends, and so does each write."""
    program = """
stop = threading.Event()

def again():
    with no_fork(): pass

def write():
    while not stop.is_set():
        again()

writers = [threading.Thread(target=write) for _ in range(2)]
forkers = [threading.Thread(target=fork, args=(again,)) for _ in range(8)]
for thread in [*writers, *forkers]:
    thread.start()
for thread in forkers:
    thread.join()
stop.set()
for thread in writers:
    thread.join()
print(len(order))
"""
    assert run(program) == "8"
