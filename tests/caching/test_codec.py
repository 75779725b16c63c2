"""The stored form: what is read is what was written, in few bytes; what is broken is refused."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from struct import pack as packed

import pytest

from perfkit.caching.codec import FORM, pack, unpack
from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import Event, Write
from perfkit.errors import StoreError
from tests.caching.made import NOON, event, seen


def day(count: int) -> list[Event]:
    """Make a worker's events: a few routes, many visitors, some of everything that can be told."""
    draw = random.Random(count)
    made = []
    for at in draw.sample(range(60_000), count):
        url = draw.randrange(1, 60) * 0x9E3779B97F4A7C15 % 2**64
        who = draw.randrange(1, 900) * 0xBF58476D1CE4E5B9 % 2**64
        made.append(
            event(
                at / 1000,
                url=url,
                route=draw.choice(["/", "/products/<int:pk>/", "/search/"]),
                principal=who,
                body=url ^ 5,
                audience=draw.choice([0, 0, 1]),
                view_ms=round(draw.expovariate(0.05), 2),
                inner=seen(
                    url, varies_on=draw.choice([(), ("cookie",)]), hit=draw.choice([None, False])
                ),
                attributes=(
                    ("cookie:ab", draw.randrange(1, 3)),
                    ("language", 7),
                    ("header:cookie", who),
                ),
                writes=(Write("UPDATE", "shop_post", 2),) if draw.random() < 0.1 else (),
                top_tables=("shop_product",) if draw.random() < 0.9 else (),
            )
        )
    return made


def columns_of(*payloads: bytes) -> dict[str, Columns]:
    """Read rows, one of each worker."""
    found: dict[str, Columns] = {}
    for worker, payload in enumerate(payloads):
        unpack(payload, found, worker)
    for columns in found.values():
        columns.sort()
    return found


def plain(columns: Columns) -> dict[str, object]:
    """Return all that columns hold."""
    arrays = {name: list(values) for name, values in columns.arrays().items()}
    arrays["at"] = [round(at, 3) for at in columns.at]
    return {
        **arrays,
        "methods": columns.methods,
        "varies": [[columns.varies[place] for place in columns.inner_varies]],
        "inner_varies": None,
        "outer_varies": None,
        "attributes": {name: list(columns.attribute(name)) for name in sorted(columns.attributes)},
        "writes": columns.writes,
        "tables": columns.top_tables,
    }


def test_what_is_read_is_what_was_written() -> None:
    """Every column, attribute and write, to the millisecond."""
    events = day(500)
    read, made = columns_of(pack(events)), by_route(events)
    assert read.keys() == made.keys()
    for route, columns in made.items():
        assert plain(read[route]) == plain(columns)


def test_workers_are_merged_by_time() -> None:
    """Whoever wrote what: the same as one worker that saw it all, but for who saw it."""
    events = day(400)
    draw = random.Random(1)
    parts: list[list[Event]] = [[], [], []]
    for each in events:
        draw.choice(parts).append(each)
    read = columns_of(*map(pack, parts))
    for route, columns in by_route(events).items():
        merged = plain(read[route])
        assert set(merged.pop("worker")) <= {0, 1, 2}  # type: ignore[call-overload]
        single = plain(columns)
        del single["worker"]
        assert merged["at"] == single["at"]
        assert merged["url"] == single["url"]
        assert merged["attributes"] == single["attributes"]
        assert merged["writes"] == single["writes"]


def test_an_event_takes_few_bytes() -> None:
    """Of a busy worker between two flushes; the issue asks for about 64."""
    assert len(pack(day(2_000))) / 2_000 < 64


def test_a_lone_event() -> None:
    """Whatever is missing."""
    made = replace(event(1), inner=None, outer=None, attributes=())
    (columns,) = columns_of(pack([made])).values()
    assert (len(columns), columns.at[0], columns.inner_stored[0]) == (1, NOON + 1, 0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no zlib",
        zlib.compress(b""),
        zlib.compress(packed("<I", 5) + b"[1,2]"),
        zlib.compress(packed("<I", 9) + b'{"form":9'),
        pack(day(50))[:-9],
    ],
)
def test_what_is_broken_is_refused(payload: bytes) -> None:
    """With the library's own error, so that a reader can count it and go on."""
    with pytest.raises(StoreError):
        unpack(payload, {}, 0)


def test_another_form_is_refused() -> None:
    """Events of mixed versions are kept apart, not mixed up."""
    text = json.dumps({"form": FORM + 1, "routes": []}).encode()
    with pytest.raises(StoreError, match=f"form {FORM + 1}"):
        unpack(zlib.compress(packed("<I", len(text)) + text), {}, 0)
