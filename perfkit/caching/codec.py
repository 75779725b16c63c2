"""The stored form of events: columns of bytes, compressed, about 60 bytes an event.

A column whose values are all equal is that value, one with few different ones is a table and places in
it. Times are milliseconds from the first event on. In front stands a JSON head: names, kinds, lengths.
"""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from collections.abc import Iterable
from typing import Any, Final

from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import Event, Write
from perfkit.errors import StoreError

#: Grows when the form changes; what another version wrote is left out and counted.
FORM: Final = 2

_LENGTH: Final = "<I"
_CODES: Final = {"B": 255, "H": 65_535}


def pack(events: Iterable[Event]) -> bytes:
    """Write events, of one worker and one key of hashes."""
    head: dict[str, Any] = {"form": FORM, "routes": []}
    body = bytearray()
    for columns in by_route(events).values():
        head["routes"].append(_route(columns, body))
    text = json.dumps(head, separators=(",", ":")).encode()
    return zlib.compress(struct.pack(_LENGTH, len(text)) + text + bytes(body), 6)


def unpack(payload: bytes, into: dict[str, Columns], worker: int) -> int:
    """Read what ``pack`` wrote into columns, behind what is there; return how many events.

    Args:
        payload: as stored.
        into: route -> its columns.
        worker: the index of the worker who wrote it.

    Raises:
        StoreError: it is none of ours, or of another form.
    """
    try:
        raw = zlib.decompress(payload)
        (length,) = struct.unpack_from(_LENGTH, raw)
        head = json.loads(raw[4 : 4 + length])
        if head["form"] != FORM:
            raise StoreError(f"events of form {head['form']!r}, this perfkit reads {FORM}")
        reader = _Reader(raw, 4 + length)
        return sum(_add_route(each, reader, into, worker) for each in head["routes"])
    except (
        zlib.error, struct.error, ValueError, LookupError, TypeError, AttributeError, OverflowError
    ) as error:  # fmt: skip
        raise StoreError(f"a row of events cannot be read: {error!r}") from error


def _route(columns: Columns, body: bytearray) -> dict[str, Any]:
    count = len(columns)
    methods = sorted(set(columns.methods))
    first = columns.at[0]
    spans = array("L", (round((at - first) * 1000) for at in columns.at))
    arrays: dict[str, array[Any]] = {
        **columns.arrays(),
        "at": spans,
        "method": array("B", map(methods.index, columns.methods)),
    }
    del arrays["worker"]
    for name in columns.attributes:
        arrays[f"@{name}"] = columns.attribute(name)
    return {
        "route": columns.route,
        "count": count,
        "first": first,
        "methods": methods,
        "varies": columns.varies,
        "writes": {at: [list(write) for write in each] for at, each in columns.writes.items()},
        "tables": columns.top_tables,
        "columns": {name: _column(values, body) for name, values in arrays.items()},
    }


def _column(values: array[Any], body: bytearray) -> list[Any]:
    """Append a column to the body; return how to read it."""
    table = list(dict.fromkeys(values))
    if len(table) == 1:
        return ["=", table[0]]
    for code, most in _CODES.items():
        if len(table) <= most and len(table) * 2 < len(values) and values.itemsize > 2:
            places = {value: place for place, value in enumerate(table)}
            body += array(values.typecode, table).tobytes()
            body += array(code, map(places.__getitem__, values)).tobytes()
            return ["t", values.typecode, len(table), code]
    body += values.tobytes()
    return ["r", values.typecode]


class _Reader:
    """Reads columns from where the head ends."""

    def __init__(self, raw: bytes, at: int) -> None:
        self._raw = raw
        self._at = at

    def column(self, how: list[Any], count: int) -> list[Any] | array[Any]:
        """Read a column of so many values."""
        match how:
            case ["=", value]:
                return [value] * count
            case ["t", code, length, places]:
                table = self._array(code, length)
                return list(map(table.__getitem__, self._array(places, count)))
            case ["r", code]:
                return self._array(code, count)
        raise ValueError(f"a column is written as {how!r}")

    def _array(self, code: str, count: int) -> array[Any]:
        found: array[Any] = array(code)
        end = self._at + count * found.itemsize
        if end > len(self._raw):
            raise ValueError("it ends too early")
        found.frombytes(self._raw[self._at : end])
        self._at = end
        return found


def _add_route(
    given: dict[str, Any], reader: _Reader, into: dict[str, Columns], worker: int
) -> int:
    count, first = given["count"], given["first"]
    columns = into.setdefault(given["route"], Columns(given["route"]))
    before = len(columns)
    read = {name: reader.column(how, count) for name, how in given["columns"].items()}
    read["at"] = [first + span / 1000 for span in read["at"]]
    read["worker"] = [worker] * count
    methods = given["methods"]
    attributes = {name[1:]: read.pop(name) for name in [*read] if name[0] == "@"}
    columns.extend(
        [methods[place] for place in read.pop("method")], read, given["varies"], attributes
    )
    for at, writes in given["writes"].items():
        columns.writes[before + int(at)] = tuple(Write(*write) for write in writes)
    for at, tables in given["tables"].items():
        columns.top_tables[before + int(at)] = tuple(tables)
    return int(count)
