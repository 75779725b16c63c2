"""Reads the cache advisor's events, and judges each route by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Final

from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import DatabaseError

from perfkit.caching.advice import CacheAdvice, advise
from perfkit.caching.backend import BackendFacts, backend_facts
from perfkit.caching.columns import Columns
from perfkit.caching.facts import hours_of
from perfkit.caching.saving import Setting
from perfkit.conf import Settings, site_setting
from perfkit.errors import StoreError, StoreMissing
from perfkit.report.build import choose
from perfkit.report.cache_text import AN_HOUR
from perfkit.report.wording import counted
from perfkit.store.events import StoredEvents, read_events

#: Events that a report is made of, the latest: a second's work. ``perfcache`` reads all.
MOST_EVENTS: Final = 30_000
#: Seconds before now that a panel looks at.
_PANEL_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The advice on every route, and what it does not know.

    Attributes:
        advice: what saves most first.
        notes: one sentence each.
        backend: the cache that it is for.
        routes: label -> the events it is made of.
        setting: what figures an hour hang on; None without events.
    """

    advice: tuple[CacheAdvice, ...]
    notes: tuple[str, ...]
    backend: BackendFacts
    routes: Mapping[str, Columns] = field(default_factory=dict)
    setting: Setting | None = None


def load_cache(
    settings: Settings,
    since: float,
    until: float | None = None,
    most: int | None = MOST_EVENTS,
    wanted: tuple[str, ...] = (),
) -> CacheReport:
    """Judge routes by the events of a stretch of time.

    Args:
        settings: ``store`` and ``cache_max_stale`` are read.
        since: Unix seconds.
        until: Unix seconds; None for no end.
        most: events read at most, the latest; None for all.
        wanted: labels or parts of them; the other routes are not judged.

    Raises:
        StoreError, DatabaseError: there is no store, or it cannot be read.
    """
    facts = configured_backend()
    stored = read_events(settings.store or {}, since, until, most)
    notes = tuple(_notes(settings, stored, most))
    if not stored.routes:
        return CacheReport((), notes, facts)
    setting = Setting(facts, hours_of(stored.routes), settings.cache_max_stale)
    cookie = str(site_setting("SESSION_COOKIE_NAME") or "sessionid")
    labels = [(route, each) for route, told in stored.routes.items() for each in set(told.methods)]
    only = {route for route, _ in choose(labels, wanted)} if wanted else None
    advice = tuple(advise(stored.routes, setting, cookie, only))
    if wanted:
        chosen = set(choose([(each.route, each.method) for each in advice], wanted))
        advice = tuple(each for each in advice if (each.route, each.method) in chosen)
    return CacheReport(advice, notes, facts, stored.routes, setting)


def route_advice(settings: Settings, route: str, method: str) -> CacheReport:
    """Return what is known of one route, for a panel: one advice or none, and why there is none.

    Never raises for want of a store, or of data. It reads up to ``MOST_EVENTS`` events and asks the
    configured cache what a hit costs: work for a page that somebody waits for, not for each request.

    Args:
        settings: as for ``load_cache``.
        route: its label, as in the report.
        method: of the request; a HEAD is judged as the GET of its route.
    """
    if settings.store is None:
        return _unknown("There is no store: PERFKIT['STORE'] is False")
    label = f"{'GET' if method == 'HEAD' else method} {route}"
    try:
        report = load_cache(settings, time() - _PANEL_S, wanted=(label,))
    except StoreMissing:
        return _unknown("Nothing is known yet: the store is made with the first requests")
    except (StoreError, DatabaseError, ImproperlyConfigured, OSError) as error:
        return _unknown(f"The store cannot be read: {' '.join(str(error).split())}")
    advice = tuple(each for each in report.advice if f"{each.method} {each.route}" == label)
    notes = report.notes if advice else (*report.notes, f"Nothing was noted of {label} yet")
    return CacheReport(advice, notes, report.backend, report.routes, report.setting)


def configured_backend() -> BackendFacts:
    """Return the facts of the cache in which ``cache_page`` keeps its pages here."""
    alias = str(site_setting("CACHE_MIDDLEWARE_ALIAS") or "default")
    try:
        return backend_facts(caches[alias])
    except (InvalidCacheBackendError, ImportError):
        return BackendFacts()


def _unknown(note: str) -> CacheReport:
    return CacheReport((), (note,), BackendFacts())


def _notes(settings: Settings, stored: StoredEvents, most: int | None) -> Iterator[str]:
    if not settings.cache_advisor:
        yield "PERFKIT['CACHE_ADVISOR'] is off: nothing new is noted for the cache advice"
    if stored.left_out:
        yield (
            f"The cache advice is made of the latest {most or 0:,} events or so: "
            f"{counted(stored.left_out, 'older row')} left out; perfcache reads all"
        )
    for number, what in (
        (stored.unreadable, "of the cache advisor could not be read"),
        (stored.of_other_keys, "of the cache advisor left out: noted under another SECRET_KEY"),
        (stored.evicted, "of the cache advisor deleted to keep the store within its size"),
    ):
        if number:
            yield f"{counted(number, 'row')} {what}"
    if stored.routes and hours_of(stored.routes) < AN_HOUR:
        yield (
            "Less than an hour was seen: what the cache advice tells for an hour is stretched from "
            f"{max(round(hours_of(stored.routes) * 60), 1)} min"
        )
