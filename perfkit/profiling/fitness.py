"""Tells why an engine cannot run in this process."""

from __future__ import annotations

from importlib.util import find_spec

from perfkit.host import gevent_monkey, threads_run
from perfkit.profiling.capture import PYINSTRUMENT, SAMPLER


def why_not(engine: str) -> str:
    """Tell why an engine cannot run here; ``""`` when it can.

    Args:
        engine: one of ``ENGINES``.
    """
    if engine == SAMPLER and not threads_run():
        return "the sampler needs threads: run uWSGI with --enable-threads"
    if engine == PYINSTRUMENT and find_spec("pyinstrument") is None:
        return "pyinstrument is not installed"
    if engine == PYINSTRUMENT and gevent_monkey() is not None:
        return "pyinstrument cannot tell greenlets apart: choose the sampler"
    return ""
