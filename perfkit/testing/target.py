"""Puts the recording around a test function itself, inside whatever runs it.

Outside of it are fixtures, ``setUp`` and ``tearDown`` (which unittest runs in the middle of what
pytest takes for the call) and event loops with a context of their own.
"""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from perfkit.testing.watch import Watch


@contextmanager
def recorded(item: pytest.Function, watch: Watch) -> Iterator[None]:
    """Let the watch record what the item's function does while the block runs."""
    # hypothesis runs the inner function once for each example: each is a run by itself.
    handle: Any = getattr(item.obj, "hypothesis", None)
    holder, name = (handle, "inner_test") if hasattr(handle, "inner_test") else (item, "obj")
    original = getattr(holder, name)
    wrapped = watch.recorded(original)
    setattr(holder, name, wrapped)
    # unittest takes the function from the instance, and not from pytest's item.
    is_method = holder is item and isinstance(item.instance, unittest.TestCase)
    instance: Any = item.instance if is_method else None
    if instance is not None:
        setattr(instance, item.name, wrapped)
    try:
        yield
    finally:
        setattr(holder, name, original)
        if instance is not None:
            vars(instance).pop(item.name, None)
