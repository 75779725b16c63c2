"""The stored form of windows, findings and samples: compressed JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import Sample


def pack(data: Any) -> bytes:
    """Serialize for the store; level 1 costs a third of level 6 for nearly its size."""
    return zlib.compress(json.dumps(data, separators=(",", ":")).encode(), 1)


def unpack(payload: bytes) -> Any:
    """Read what ``pack`` wrote.

    Raises:
        StoreError: the payload is not one of ours.
    """
    try:
        return json.loads(zlib.decompress(payload))
    except (zlib.error, ValueError) as error:
        raise StoreError(f"a row of the store cannot be read: {error}") from error


def window_of(payload: bytes | memoryview) -> Window:
    """Read a stored window.

    Raises:
        StoreError: the payload is not one of ours.
    """
    try:
        return Window.from_json(unpack(bytes(payload)))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise StoreError(f"a row of the store cannot be read: {error!r}") from error


def printable(text: str) -> str:
    """Return a text that each database takes: NUL and lone surrogates are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def sample_of(row: Sequence[Any]) -> Sample:
    """Read a stored sample: kind, route, method, at, rank, payload.

    Raises:
        StoreError: the payload is not one of ours.
    """
    kind, route, method, at, rank, payload = row
    data = unpack(bytes(payload))
    if not isinstance(data, dict):
        raise StoreError(f"a row of the store cannot be read: a sample is a dict, not {data!r:.80}")
    return Sample(kind, route, method, at, rank, data)
