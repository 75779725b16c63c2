"""What the host makes of threads: asked of the modules that a server brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace

import pytest

from perfkit.host import gevent_monkey, natively, threads_run


@pytest.mark.parametrize(
    ("uwsgi", "run"),
    [
        (None, True),
        (SimpleNamespace(opt={b"threads": b"2"}, has_threads=1), True),
        (SimpleNamespace(opt={b"enable-threads": True}, has_threads=0), False),
        (SimpleNamespace(opt={}, has_threads=1), True),
    ],
    ids=["no uWSGI", "threads", "without", "uWSGI 2.0.27"],
)
def test_uwsgi_says_whether_threads_run(
    monkeypatch: pytest.MonkeyPatch, uwsgi: SimpleNamespace | None, run: bool
) -> None:
    """By what it does, not by the options that it was given."""
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    assert threads_run() is run


def test_greenlets_run_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is a greenlet needs nothing of uWSGI."""
    patched = SimpleNamespace(is_module_patched=lambda name: name == "threading")
    monkeypatch.setitem(sys.modules, "gevent.monkey", patched)
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(has_threads=0))
    assert gevent_monkey() is patched
    assert threads_run()


def test_without_gevent_a_call_is_a_call() -> None:
    """Nothing is imported, no thread is taken."""
    assert gevent_monkey() is None
    assert natively(get_ident) == get_ident()
    assert natively(max, [1], default=2) == 1


PROGRAM = """
import multiprocessing, sys
from perfkit.host import at_child_exit

def work(way):
    at_child_exit(lambda: print("the end", flush=True))
    print(way, flush=True)

if __name__ == "__main__":
    way = sys.argv[1]
    child = multiprocessing.get_context(way).Process(target=work, args=(way,))
    child.start()
    child.join()
    at_child_exit(lambda: print("not of the parent"))
    print(child.exitcode)
"""


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_has_an_end(tmp_path: Path, way: str) -> None:
    """It leaves by os._exit(), as a worker of granian does."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py", way],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.split("\n")[:-1], done.stderr) == ([way, "the end", "0"], "")
