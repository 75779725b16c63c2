"""What the server that this process runs in makes of threads: uWSGI may stop them, gevent replaces them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def threads_run() -> bool:
    """Tell whether a thread of ours runs while no request does.

    Under uWSGI none does, unless it was told to let it (``enable-threads``, ``threads``); from
    2.0.27 on it always does. ``has_threads`` is what it really does, whatever its options say.
    Greenlets run in any case.
    """
    has_threads = getattr(sys.modules.get("uwsgi"), "has_threads", True)
    return bool(has_threads) or gevent_monkey() is not None


def gevent_monkey() -> Any | None:
    """Return gevent's patching when it has turned threads into greenlets, else None."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return monkey
    return None


def new_lock() -> Any:
    """Return a lock between threads of the system, which knows its thread but no greenlets."""
    monkey = gevent_monkey()
    if monkey is not None:
        return monkey.get_original("_thread", "RLock")()
    return sys.modules["_thread"].RLock()


def at_child_exit(call: Callable[[], None]) -> None:
    """Have a call made at the end of a process of ``multiprocessing``'s, which leaves by os._exit()."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        util.Finalize(None, call, exitpriority=0)


def natively(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in a thread of the system where threads are greenlets, else here.

    SQLite waits for a disk and for locks, and one greenlet that waits so holds up every request.
    """
    if gevent_monkey() is None:
        return call(*args, **kwargs)
    pool: Any = sys.modules["gevent"].get_hub().threadpool
    answer: T = pool.apply(call, args, kwargs)
    return answer
