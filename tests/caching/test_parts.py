"""What two visitors share of a page, and what is masked in it."""

from __future__ import annotations

import pytest

from perfkit.caching.masking import Masks
from perfkit.caching.parts import WHOLE, Parts, likeness

LINES = [f"<li>item {each}</li>\n".encode() for each in range(50)]
PAGE = b"".join(LINES)


def test_likeness_is_by_bytes_in_pieces_that_both_have() -> None:
    """Lines, tags and items; the order does not count, how often does."""
    assert likeness(PAGE, PAGE) == 1.0
    assert likeness(PAGE, b"".join(reversed(LINES))) == 1.0
    assert likeness(PAGE, PAGE + b"Hello alice\n") > 0.95
    assert likeness(PAGE, b"nothing of it") == 0.0
    assert likeness(b"x\n" * 100, b"x\n") == pytest.approx(0.01)
    assert likeness(b"", b"") == 1.0


def test_only_what_different_visitors_get_at_one_address_is_compared() -> None:
    """The same again, another address, one's own change, and a second one within five seconds are not."""
    parts = Parts()
    first = parts.shared("/a/", 1, 1, 10, PAGE, 100.0)
    again = parts.shared("/a/", 1, 2, 10, PAGE, 101.0)
    other = parts.shared("/a/", 1, 2, 11, PAGE + b"Hello bob", 102.0)
    soon = parts.shared("/a/", 1, 3, 12, PAGE + b"Hello eve", 103.0)
    own = parts.shared("/a/", 1, 3, 13, PAGE + b"Hello eve!", 120.0)
    elsewhere = parts.shared("/a/", 2, 4, 14, PAGE, 121.0)
    assert (first, again, soon, own, elsewhere) == (0, 0, 0, 0, 0)
    assert 0.95 * WHOLE < other < WHOLE


def test_few_bodies_are_kept() -> None:
    """One of each of thirty-two routes, none that is too long."""
    parts = Parts()
    for number in range(100):
        parts.shared(f"/{number}/", 1, 1, 1, PAGE, 1.0)
    assert len(parts._kept) == 32
    assert parts.shared("/long/", 1, 1, 1, b"x" * 200_000, 1.0) == 0
    assert "/long/" not in parts._kept


@pytest.mark.parametrize(
    "text",
    [
        'data-request-id="{}"', "request_id: '{}'", "<!-- correlation id: {} -->", "traceId={}",
        'span-id="{}"', "transaction-id = {}", "store_id: {}", 'name="csrf-token" content="{}"',
        'nonce="{}"', "<i>span</i><b spanid={}>",
    ],
)  # fmt: skip
def test_what_is_noise_is_masked(text: str) -> None:
    """Two requests say the same."""
    masks = Masks()
    one, two = (text.format(each * 20).encode() for each in "ab")
    assert one != two
    assert masks.masked(one) == masks.masked(two)


@pytest.mark.parametrize(
    "text", ["request-idol={}", "requested={}", "storefrontid={}", "span={}", 'value="{}"']
)
def test_what_is_none_is_left(text: str) -> None:
    """It may be somebody's own."""
    masks = Masks()
    one, two = (text.format(each * 20).encode() for each in "ab")
    assert masks.masked(one) != masks.masked(two)
