"""The stored form: what is written can be read, and what cannot is said to be so."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import StoreError
from perfkit.store.payload import pack, unpack, window_of
from tests.store.writing import loop, request, windows

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_data_comes_back_as_it_was(data: Any) -> None:
    """Numbers, text of any alphabet, nesting."""
    assert unpack(pack(data)) == data


def test_a_window_comes_back_as_it_was() -> None:
    """Routes, findings, histograms and what was dropped."""
    (window,) = windows(request(findings=(loop(),), dropped_queries=2)).values()
    assert window_of(pack(window.to_json())).to_json() == window.to_json()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nothing of ours",
        zlib.compress(b"{"),
        pack({"v": 1}),
        pack([]),
        pack({"routes": [["/", "GET", "x", {}, []]], "findings": {}, "dropped": {}}),
        pack({"routes": [], "findings": {"f": [1]}, "dropped": {}}),
        zlib.compress(json.dumps("text").encode()),
    ],
    ids=range(8),
)
def test_what_is_not_ours_is_refused(payload: bytes) -> None:
    """One exception for all of it, so that a caller can leave out the row."""
    with pytest.raises(StoreError, match="cannot be read"):
        window_of(payload)


def test_a_memoryview_is_read_too() -> None:
    """PostgreSQL's driver hands bytes over as a memoryview."""
    (window,) = windows(request()).values()
    assert window_of(memoryview(pack(window.to_json()))).requests == 1
