"""What is noted when there is too much: the commonest whole, of the rest a share by address."""

from __future__ import annotations

import random
from collections import Counter

from perfkit.caching.sampling import TOP, Sampling

_NOON = 1_800_273_600.0


def hashed(number: int) -> int:
    """Make a hash of an address."""
    return random.Random(number).getrandbits(64)


def crowded(rate: float) -> Sampling:
    """Make a sampling whose rate has come down."""
    sampling = Sampling()
    sampling.weight("/before/", 0, _NOON)  # a minute's first request may raise the rate
    sampling.rate = rate
    return sampling


def test_everything_is_noted_while_there_is_room() -> None:
    """Each for itself."""
    sampling = Sampling()
    assert {sampling.weight("/", hashed(n), _NOON) for n in range(1_000)} == {1.0}


def test_the_rate_follows_the_load() -> None:
    """It is halved after a minute with too many, and doubled when there is room again."""
    sampling = Sampling(most_a_minute=100)
    for minute, number in enumerate([500, 1, 1]):
        for n in range(number):
            sampling.weight("/", hashed(n), _NOON + minute * 60)
        expected = (1.0, 0.5, 1.0)[minute]
        assert sampling.rate == expected


def test_each_routes_commonest_are_noted_whole() -> None:
    """A busy route does not push out another one's addresses."""
    sampling, noted = crowded(1 / 64), Counter[str]()
    draw = random.Random(3)
    for n in range(20_000):
        sampling.weight("/busy/", hashed(draw.randrange(5_000)), _NOON)
        if n % 100 == 0:
            noted[str(sampling.weight("/calm/", hashed(-1 - n // 100 % 3), _NOON))] += 1
    assert noted == {"1.0": 200}


def test_the_weights_make_up_for_the_rest() -> None:
    """Together they stand for as many requests as there were, nearly."""
    draw, requests = random.Random(4), 40_000
    sampling = crowded(0.1)
    weights = [
        sampling.weight("/", hashed(draw.choice((n % 10, draw.randrange(9_000)))), _NOON)
        for n in range(requests)
    ]
    assert abs(sum(weights) - requests) < 0.03 * requests
    assert sum(weight > 0 for weight in weights) < 0.7 * requests


def test_an_address_is_noted_whole_or_not_at_all() -> None:
    """By its hash, the same in every worker, and at every higher rate."""
    every = [hashed(n) for n in range(3_000)]
    kept = {}
    for rate in (0.25, 0.5):
        sampling = crowded(rate)
        for url in every[:TOP]:
            sampling.weight("/", url, _NOON)
        kept[rate] = {url for url in every[TOP:] if sampling.weight("/", url, _NOON)}
        assert kept[rate] == {url for url in every[TOP:] if crowded_by_hash(url, rate)}
    assert kept[0.25] <= kept[0.5]


def crowded_by_hash(url: int, rate: float) -> bool:
    """Tell whether an address that nobody asked for before is in the sample."""
    return url < rate * 2**64


def test_routes_without_end_are_counted_together() -> None:
    """A site that makes a route of each address fills no memory."""
    sampling = crowded(0.5)
    for n in range(2_000):
        sampling.weight(f"/{n}/", hashed(n), _NOON)
    assert len(sampling._tops) <= 501  # and one for all others
