"""Many counts in one integer, 48 bits each: adding two integers adds all their counts at once.

The lowest bits hold the first count. As text the counts are transposed (all lowest bytes, then all
second bytes, as far as any is not zero) and written in base64: small counts cost one byte each, and
strided slices spread them again in C.

Measured on a 2-core VM, CPython 3.11, for 2,000 stored histograms (93 counts that are not zero over
a span of 136), microseconds to read one and add it to a sum, and characters as stored: dict of
counts from JSON 15.9, 443; transposed, then list and ``map(add)`` 5.2, 193; 64-bit lanes in base64
4.5, 1461; transposed, then 64-bit lanes 2.5, 193; transposed, then 48-bit lanes 2.1, 193.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from struct import pack, unpack
from typing import Final

#: 2**48 requests in one bucket are 89 years at 100,000 a second.
_LANE_BYTES: Final = 6
LANE_BITS: Final = 8 * _LANE_BYTES


def packed(counts: Sequence[int]) -> int:
    """Put counts into one integer."""
    wide = pack(f"<{len(counts)}Q", *counts)
    data = bytearray(_LANE_BYTES * len(counts))
    for place in range(_LANE_BYTES):
        data[place::_LANE_BYTES] = wide[place::8]
    return int.from_bytes(data, "little")


def unpacked(lanes: int) -> tuple[int, ...]:
    """Take the counts out of the integer; zeros at the end are left off."""
    data = _bytes(lanes)
    length = len(data) // _LANE_BYTES
    wide = bytearray(8 * length)
    for place in range(_LANE_BYTES):
        wide[place::8] = data[place::_LANE_BYTES]
    return unpack(f"<{length}Q", wide)


def to_text(lanes: int) -> tuple[int, str]:
    """Return how many bytes the largest count needs, and the transposed counts in base64."""
    data = _bytes(lanes)
    planes = [data[place::_LANE_BYTES] for place in range(_LANE_BYTES)]
    while planes and not planes[-1].strip(b"\0"):
        planes.pop()
    return len(planes), b2a_base64(b"".join(planes), newline=False).decode("ascii")


def from_text(planes: int, text: str) -> int:
    """Read what ``to_text`` returned.

    Raises:
        ValueError: the text is not base64 of that many equal parts.
    """
    if not planes:
        return 0
    raw = a2b_base64(text, strict_mode=True)
    if planes == 1:  # nearly always: no route answers 256 times alike between two flushes
        data = bytearray(_LANE_BYTES * len(raw))
        data[::_LANE_BYTES] = raw
        return int.from_bytes(data, "little")
    length, rest = divmod(len(raw), planes)
    if rest:
        raise ValueError(f"{len(raw)} bytes are not {planes!r} equal parts.")
    data = bytearray(_LANE_BYTES * length)
    for place in range(planes):
        data[place::_LANE_BYTES] = raw[place * length : (place + 1) * length]
    return int.from_bytes(data, "little")


def _bytes(lanes: int) -> bytes:
    return lanes.to_bytes(-(-lanes.bit_length() // LANE_BITS) * _LANE_BYTES, "little")
