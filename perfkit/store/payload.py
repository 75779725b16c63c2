"""The stored form of windows and findings: compressed JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any

from perfkit.errors import StoreError
from perfkit.metrics.aggregate import Window


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
