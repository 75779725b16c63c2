"""The ways to cache a route, and what each makes of its requests: who takes part, under which key."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, count, repeat
from operator import and_, eq, gt
from typing import Any, Final

from perfkit.caching.columns import Columns
from perfkit.caching.tracking import is_tracking

CACHE_PAGE: Final = "cache_page"
VARY_ON_COOKIE: Final = "vary_on_cookie"
VARY_ON_HEADERS: Final = "vary_on_headers"
ANONYMOUS_ONLY: Final = "anonymous_only"
SITE_WIDE: Final = "site_wide"
CDN: Final = "cdn"
STRIPPED: Final = "stripped"

#: Seconds.
TIMEOUTS: Final = (5, 15, 60, 300, 900, 3_600, 21_600)

#: Key of a request that takes no part.
NO_PART: Final = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to cache a route.

    Attributes:
        name: one of this module's.
        on: attributes that the key is made of besides, for ``vary_on_headers`` and its like.
        without: query parameters that the key is not made of, for ``stripped``.
        granted_only: the cache stands inside a check, so that whom it refuses takes no part.
    """

    name: str
    on: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    granted_only: bool = False

    @property
    def at_view(self) -> bool:
        """Whether it stands at the view, and saves the view's time only."""
        return self.name not in (SITE_WIDE, CDN)


#: Those that need to know nothing of the route.
PLAIN_POLICIES: Final = tuple(
    map(Policy, (CACHE_PAGE, VARY_ON_COOKIE, ANONYMOUS_ONLY, SITE_WIDE, CDN, STRIPPED))
)


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a policy makes of each event of a route.

    Attributes:
        keys: the page's key, ``NO_PART`` for a request that is answered as before.
        urls: the key under which Django remembers what the page's key is made of.
        stored: whether the answer would be stored.
        varies: index of what the page's key is made of; a page's key is looked for by the latest.
    """

    keys: array[int]
    urls: array[int]
    stored: bytearray
    varies: array[int]


def keyed(columns: Columns, policy: Policy, *, heads: bool = False) -> Keyed:
    """Say for each event of a route what a policy makes of it.

    Args:
        columns: the route.
        policy: how it would be cached.
        heads: let a HEAD take part; what monitors ask for must not count as what readers do.
    """
    place = "inner" if policy.at_view else "outer"
    stored = bytearray(getattr(columns, f"{place}_stored"))
    keys: array[int] = array("Q", getattr(columns, f"{place}_key"))
    urls: array[int] = array("Q", columns.url)
    varies: array[int] = getattr(columns, f"{place}_varies")
    if policy.name == STRIPPED:
        # Django's own key hangs on the address as sent; what else it hangs on is mixed in again.
        urls = keys_without(columns, policy.without)
        keys = _mixed_by_list(columns, urls, varies)
    elif policy.name == CDN:
        keys = urls = array("Q", columns.address)
        stored = _shared(columns)
        varies = array("H", bytes(2 * len(columns)))
    elif policy.name == SITE_WIDE and 0 in columns.outer_max_age:
        # There an answer's own max-age comes first, and with 0 it is not stored.
        stored = bytearray(map(and_, stored, map(bool, columns.outer_max_age)))
    on = (*policy.on, "header:cookie") if policy.name == VARY_ON_COOKIE else policy.on
    for name in on:
        keys = mixed(keys, columns.attribute(name))
    if on:
        urls = keys  # one list for all answers: what is looked for is what was stored
    _leave_out(columns, policy, keys, ("GET", "HEAD") if heads else ("GET",))
    return Keyed(keys, urls, stored, varies)


def keys_without(columns: Columns, without: Iterable[str] = ()) -> array[int]:
    """Return keys of path, language, time zone and query: parameters in one order, some left out.

    Tracking parameters are left out always.
    """
    names = [name for name in columns.attributes if name.startswith("query:")]
    dropped = {f"query:{name}" for name in without}
    left_out = [name for name in names if name in dropped or is_tracking(name[6:])]
    if not dropped:
        return array("Q", columns.bare_url)
    keys = array("Q", columns.path)
    for name in ("language", "time_zone", *sorted(set(names) - set(left_out))):
        keys = mixed(keys, columns.attribute(name))
    return keys


def mixed(keys: Iterable[int], values: Iterable[int]) -> array[int]:
    """Make keys of keys and values: Python's own hash of both, which is the same in every process."""
    # Python's hashes are signed: the same bytes are read again as keys are kept.
    return array("Q", array("q", map(hash, zip(keys, values, strict=True))).tobytes())


def _mixed_by_list(columns: Columns, keys: array[int], varies: Any) -> array[int]:
    for index, names in enumerate(columns.varies):
        for name in names:
            values = columns.attribute(f"header:{name}")
            more = mixed(keys, values)
            keys = array(
                "Q",
                (
                    new if which == index else old
                    for old, new, which in zip(keys, more, varies, strict=True)
                ),
            )
    return keys


def _shared(columns: Columns) -> bytearray:
    """Say what a shared cache may store: RFC 9111, with what CDNs leave out by themselves."""
    uses_cookie = [
        not {"cookie", "authorization", "*"}.isdisjoint(names) for names in columns.varies
    ]
    found = bytearray(map(eq, columns.status, repeat(200)))
    for refused in (
        columns.outer_sets_cookie,
        columns.outer_no_store,
        columns.streamed,
        bytes(map(uses_cookie.__getitem__, columns.outer_varies)),
    ):
        if any(refused):
            found = bytearray(map(gt, found, refused))
    return found


def _leave_out(
    columns: Columns, policy: Policy, keys: array[int], methods: tuple[str, ...]
) -> None:
    if not set(methods).issuperset(columns.methods):
        _drop(keys, (method not in methods for method in columns.methods))
    if 0 in columns.url:
        _drop(keys, (not url for url in columns.url))
    if policy.granted_only:
        _drop(keys, (status != 200 for status in columns.status))
    if policy.name == ANONYMOUS_ONLY:
        _drop(keys, columns.has_session)


def _drop(keys: array[int], outside: Iterable[object]) -> None:
    for at in compress(count(), outside):
        keys[at] = NO_PART
