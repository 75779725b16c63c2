"""Checks of a site's settings that cost each request time in production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from perfkit.conf import configured_middleware, is_overridden, site_setting

CACHED_LOADER = "django.template.loaders.cached.Loader"
DJANGO_TEMPLATES = "django.template.backends.django.DjangoTemplates"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
#: Middleware that is of use only with a cache that the workers share.
PAGE_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
#: A file is opened faster than a pool is asked.
_SQLITE = ("django.db.backends.sqlite3", "django.contrib.gis.db.backends.spatialite")


def check_connections(**kwargs: Any) -> list[CheckMessage]:
    """Check that a request need not open a database connection of its own."""
    return [
        CheckWarning(
            f"DATABASES[{alias!r}] has CONN_MAX_AGE = 0 and no pool: each request opens and closes "
            "a connection.",
            hint="Under WSGI set CONN_MAX_AGE, such as 60, and CONN_HEALTH_CHECKS = True. Under "
            "ASGI leave it and give PostgreSQL OPTIONS = {'pool': True}, or put a pooler such as "
            "PgBouncer before the database.",
            id="perfkit.W009",
        )
        for alias, database in _dicts("DATABASES")
        if database.get("ENGINE")
        and database["ENGINE"] not in _SQLITE
        and database.get("CONN_MAX_AGE", 0) == 0
        and not (database.get("OPTIONS") or {}).get("pool")
    ]


def check_templates(**kwargs: Any) -> list[CheckMessage]:
    """Check that templates are compiled once; Django sees to it unless ``loaders`` are given."""
    messages: list[CheckMessage] = []
    for index, engine in enumerate(site_setting("TEMPLATES") or ()):
        loaders = (engine.get("OPTIONS") or {}).get("loaders")
        if engine.get("BACKEND") != DJANGO_TEMPLATES or not loaders:
            continue
        # A loader with arguments of its own is a sequence that begins with its path.
        paths = [each if isinstance(each, str) else each[0] for each in loaders]
        if CACHED_LOADER not in paths:
            messages.append(
                CheckWarning(
                    f"TEMPLATES[{index}]['OPTIONS']['loaders'] has no cached loader: each template "
                    "is read and compiled again whenever it is rendered.",
                    hint=f"Leave 'loaders' out, or wrap them: [({CACHED_LOADER!r}, [...])].",
                    id="perfkit.W010",
                )
            )
    return messages


def check_sessions(**kwargs: Any) -> list[CheckMessage]:
    """Check that a session is not read from the database each time."""
    in_database = site_setting("SESSION_ENGINE") == "django.contrib.sessions.backends.db"
    if not in_database or SESSIONS not in configured_middleware():
        return []
    return [
        CheckWarning(
            "SESSION_ENGINE is 'django.contrib.sessions.backends.db': each request that has a "
            "session reads it from the database.",
            hint="Set it to 'django.contrib.sessions.backends.cached_db', with a cache that all "
            "workers share.",
            id="perfkit.W011",
        )
    ]


def check_caches(**kwargs: Any) -> list[CheckMessage]:
    """Check that a cache which the site means to use is one that its workers share."""
    return [
        CheckWarning(
            f"CACHES[{alias!r}] is LocMemCache: each worker fills a cache of its own, and what one "
            "deletes the others go on serving.",
            hint="With more than one worker use Redis or memcached, the database or files; with "
            "one worker silence this check.",
            id="perfkit.W012",
        )
        for alias, cache in _dicts("CACHES")
        if cache.get("BACKEND") == LOCMEM and (is_overridden("CACHES") or _needs_cache(alias))
    ]


def _needs_cache(alias: str) -> bool:
    """Tell whether something of Django's uses a cache that nobody has configured."""
    in_sessions = "cache" in str(site_setting("SESSION_ENGINE") or "").rsplit(".", 1)[-1]
    return (in_sessions and alias == site_setting("SESSION_CACHE_ALIAS")) or (
        PAGE_CACHE in configured_middleware() and alias == site_setting("CACHE_MIDDLEWARE_ALIAS")
    )


def _dicts(name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for alias, value in (site_setting(name) or {}).items():
        if isinstance(value, Mapping):
            yield alias, value
