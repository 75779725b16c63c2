"""The settings: one dict ``PERFKIT`` read into one frozen object, in this module only."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

SETTING = "PERFKIT"
KILL_SWITCH = "PERFKIT_DISABLED"


@dataclass(frozen=True, slots=True)
class Option:
    """One key of ``PERFKIT``: its default, what it accepts, and one line of help."""

    name: str
    default: Any
    accepts: str
    help: str


OPTIONS: tuple[Option, ...] = (
    Option("ENABLED", True, "bool", "Record at all. The PERFKIT_DISABLED variable overrides it."),
    Option("SAMPLE_RATE", 1.0, "share", "Share of requests whose statements are recorded."),
    Option("SERVER_TIMING", "debug", "timing", "Who gets a Server-Timing header."),
    Option("STORE", None, "store", "A DATABASES-shaped dict; None for a SQLite file; False: none."),
    Option("STORE_MAX_BYTES", 64 * 1024 * 1024, "positive", "The store's size at most, in bytes."),
    Option("STORE_MAX_AGE_DAYS", 400, "positive", "Age at which stored data is deleted, in days."),
    Option("FLUSH_INTERVAL_SECONDS", 10.0, "positive", "Seconds between two writes of a worker."),
    Option("STATSD", None, "statsd", "None, or a dict with HOST, PORT, PREFIX and FORMAT."),
    Option("GRAPHITE_URL", None, "url", "Where graphite-web answers, for perfdash; None: nowhere."),
    Option("APDEX_MS", 500.0, "positive", "Milliseconds that satisfy: the T of Apdex."),
    Option("SLO_TARGET", 0.99, "target", "Share of requests that an SLO wants good."),
    Option(
        "ANALYZERS",
        (
            "perfkit.analyzers.nplusone.analyze",
            "perfkit.analyzers.writes.analyze",
            "perfkit.analyzers.duplicates.analyze",
            "perfkit.analyzers.slow.analyze",
        ),
        "paths",
        "Dotted paths of the analyzers, yours beside ours.",
    ),
    Option("N_PLUS_ONE_THRESHOLD", 5, "count", "Repeats in one loop that make it a warning."),
    Option("N_PLUS_ONE_MS", 5.0, "positive", "Milliseconds saved that make any loop a warning."),
    Option("DUPLICATE_THRESHOLD", 2, "count", "Equal runs that make a duplicate_query."),
    Option("SLOW_QUERY_MS", 100.0, "positive", "Milliseconds that make a slow_query."),
    Option("EXPLAIN", False, "bool", "Ask the database how it ran the slowest statements."),
    Option(
        "WATCHDOG_SECONDS", 10.0, "seconds", "Age at which a request is looked into; None: never."
    ),
    Option("SAMPLES_PER_HOUR", 5, "whole", "Requests of each route kept an hour, of each kind."),
    Option("CACHE_ADVISOR", True, "bool", "Note what caching needs to know of the answers."),
    Option(
        "CACHE_MASKS", (), "patterns", "Regular expressions: what they match in a body is noise."
    ),
    Option(
        "CACHE_MAX_STALE", 0.01, "share", "Share of the cache's answers that may be out of date."
    ),
    Option("CAPTURES", 200, "whole", "Captures kept at most; 0: none can be made."),
    Option(
        "CAPTURE_SHARED",
        "refuse",
        "shared",
        "What cProfile does where it would count other requests too.",
    ),
    Option("MAX_QUERIES", 10_000, "positive", "Statements kept in detail for one request."),
    Option("MAX_ROUTES", 200, "positive", "Routes kept apart; further ones count as _other."),
    Option("EDITOR", None, "editor", "The editor that a line of code opens in; None: no links."),
    Option(
        "EDITOR_PATHS", (), "pairs", "Where the server's folders lie on the developer's machine."
    ),
    Option("USER_PATHS", (), "paths", "Further folders whose code counts as the site's own."),
    Option("IGNORE", (), "rules", "Rules for findings that you live with; see findings.rst."),
)

#: Name -> the URL by which an editor that is installed on the developer's machine opens a line.
EDITORS = {
    "cursor": "cursor://file/{path}:{line}",
    "emacs": "emacs://open?url=file://{path}&line={line}",
    "idea": "idea://open?file={path}&line={line}",
    "macvim": "mvim://open?url=file://{path}&line={line}",
    "pycharm": "pycharm://open?file={path}&line={line}",
    "sublime": "subl://open?url=file://{path}&line={line}",
    "textmate": "txmt://open?url=file://{path}&line={line}",
    "vscode": "vscode://file/{path}:{line}",
    "vscodium": "vscodium://file/{path}:{line}",
    "windsurf": "windsurf://file/{path}:{line}",
    "zed": "zed://file/{path}:{line}",
}

ALLOWED = {
    "bool": "True or False",
    "share": "a number from 0 to 1",
    "timing": '"off", "debug", "staff" or "always"',
    "shared": '"refuse" or "label"',
    "store": "None, False, or a dict like an entry of DATABASES with ENGINE and NAME",
    "positive": "a number above 0",
    "count": "a whole number from 2",
    "whole": "a whole number from 0",
    "seconds": "None, or a number above 0",
    "target": "a number above 0 and below 1",
    "url": "None, or a URL that begins with http:// or https://",
    "statsd": "None, or a dict with HOST (a name), PORT (1 to 65535), PREFIX (a name) and FORMAT "
    '("plain", "tags" or "dogstatsd")',
    "paths": "a list or tuple of strings",
    "pairs": "a list or tuple of pairs of strings: the server's folder and the developer's",
    "editor": "None, the name of an editor, or a URL with {path} and {line} in it; names are "
    + ", ".join(EDITORS),
    "patterns": "a list or tuple of regular expressions, as text",
    "rules": "a list or tuple of dicts",
}
SERVER_TIMING_CHOICES = ("off", "debug", "staff", "always")
CAPTURE_SHARED_CHOICES = ("refuse", "label")
STATSD_DEFAULTS = {"HOST": "127.0.0.1", "PORT": 8125, "PREFIX": "perfkit", "FORMAT": "plain"}
#: How statsd is told the route: within the name, as Graphite tags, as DogStatsD tags.
STATSD_FORMATS = ("plain", "tags", "dogstatsd")

#: The kinds of findings of perfkit's own: what a rule, ``--fail-on`` and a marker may name.
FINDING_KINDS = (
    "n_plus_one",
    "write_loop",
    "deferred_load",
    "wasted_prefetch",
    "unused_eager_load",
    "duplicate_query",
    "slow_query",
    "query_plan",
)

#: What a rule of ``IGNORE`` matches by; each is a pattern, and all that are given must match.
RULE_KEYS = ("MODEL", "PATH", "ROUTE", "FILE", "KIND")
#: What it may have besides, for the reader.
RULE_NOTE = "REASON"

#: A rule of ``IGNORE``, hashable: its keys and patterns, sorted.
Rule = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """``PERFKIT`` with its defaults filled in; the fields are its keys in lower case."""

    enabled: bool
    sample_rate: float
    server_timing: str
    store: Mapping[str, Any] | None
    store_max_bytes: int
    store_max_age_days: float
    flush_interval_seconds: float
    statsd: Mapping[str, Any] | None
    graphite_url: str | None
    apdex_ms: float
    slo_target: float
    analyzers: tuple[str, ...]
    n_plus_one_threshold: int
    n_plus_one_ms: float
    duplicate_threshold: int
    slow_query_ms: float
    explain: bool
    watchdog_seconds: float | None
    samples_per_hour: int
    cache_advisor: bool
    cache_masks: tuple[str, ...]
    cache_max_stale: float
    captures: int
    capture_shared: str
    max_queries: int
    max_routes: int
    editor: str | None
    editor_paths: tuple[tuple[str, str], ...]
    user_paths: tuple[str, ...]
    ignore: tuple[Rule, ...]
    debug: bool


def is_allowed(accepts: str, value: Any) -> bool:
    """Tell whether a value is of the kind that an option accepts."""
    return _TESTS[accepts](value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, least: int) -> bool:
    return _is_number(value) and isinstance(value, int) and value >= least


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _is_editor(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if value in EDITORS:
        return True
    scheme, colon, _ = value.partition(":")
    # These would run in the page, or show what nobody asked for.
    is_safe = scheme.lower() not in ("javascript", "data", "vbscript", "blob")
    return bool(colon) and scheme.isidentifier() and is_safe and "{path}" in value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(each, str) and each for each in value)
    )


def is_rule(value: Any) -> bool:
    """Tell whether one entry of ``IGNORE`` can be used; one without a pattern would hide all."""
    return (
        isinstance(value, Mapping)
        and set(value) <= {*RULE_KEYS, RULE_NOTE}
        and not set(value).isdisjoint(RULE_KEYS)
        and all(isinstance(pattern, str) and pattern for pattern in value.values())
    )


def _is_statsd(value: Any) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= set(STATSD_DEFAULTS):
        return False
    filled = {**STATSD_DEFAULTS, **value}
    port = filled["PORT"]
    return (
        isinstance(filled["HOST"], str)
        and isinstance(filled["PREFIX"], str)
        and filled["FORMAT"] in STATSD_FORMATS
        and isinstance(port, int)
        and not isinstance(port, bool)
        and 0 < port < 65_536
    )


def _is_database(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    name = str(value.get("NAME") or "")
    # A database in memory would be another one for each flush.
    return bool(value.get("ENGINE")) and bool(name) and not name.startswith((":memory:", "file:"))


_TESTS: dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "share": lambda value: _is_number(value) and 0 <= value <= 1,
    "target": lambda value: _is_number(value) and 0 < value < 1,
    "timing": lambda value: value in SERVER_TIMING_CHOICES,
    "shared": lambda value: value in CAPTURE_SHARED_CHOICES,
    "store": lambda value: value is None or value is False or _is_database(value),
    "positive": lambda value: _is_number(value) and value > 0,
    "seconds": lambda value: value is None or (_is_number(value) and value > 0),
    "count": lambda value: _is_whole(value, 2),
    "whole": lambda value: _is_whole(value, 0),
    "url": lambda value: value is None or _is_url(value),
    "statsd": lambda value: value is None or _is_statsd(value),
    "rules": lambda value: isinstance(value, list | tuple),
    "editor": lambda value: value is None or _is_editor(value),
    "pairs": lambda value: isinstance(value, list | tuple) and all(map(_is_pair, value)),
    "patterns": lambda value: isinstance(value, list | tuple) and all(map(_is_pattern, value)),
    "paths": lambda value: (
        isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    ),
}


def configured() -> Any:
    """Return the site's ``PERFKIT`` as it stands, for the system checks."""
    return getattr(django_settings, SETTING, {})


def configured_middleware() -> list[str]:
    """Return the site's ``MIDDLEWARE``, for the system checks."""
    return list(django_settings.MIDDLEWARE)


def site_setting(name: str) -> Any:
    """Return a setting of the site as it stands, None where there is none; for the checks."""
    return getattr(django_settings, name, None)


def secret_key() -> str | bytes:
    """Return the site's SECRET_KEY, ``""`` where it has none: for keyed hashes only."""
    try:
        key: str | bytes = django_settings.SECRET_KEY
    except ImproperlyConfigured:
        return ""
    return key


def is_overridden(name: str) -> bool:
    """Tell whether the site itself has a setting; for the checks."""
    return bool(django_settings.is_overridden(name))


def project_folder() -> Path:
    """Return where the project lies: ``BASE_DIR``, else where its settings are imported from."""
    base = getattr(django_settings, "BASE_DIR", None)
    if base is not None:
        return Path(base)
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return Path.cwd()
    path = Path(file)
    return path.parents[name.count(".") + (path.stem == "__init__")]


def default_store() -> dict[str, Any]:
    """Place the store beside the project: the same file for every worker and for ``perfreport``."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(project_folder() / ".perfkit" / "perfkit.sqlite3"),
    }


@cache
def get_settings() -> Settings:
    """Return the settings in force; computed once and again after a change in tests.

    A value that is not allowed counts as its default here; the system checks report it.
    """
    given = configured()
    given = given if isinstance(given, Mapping) else {}
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.name, option.default)
        if not is_allowed(option.accepts, value):
            value = option.default
        values[option.name.lower()] = (
            tuple(value) if option.accepts in ("paths", "patterns") else value
        )
    values["editor_paths"] = tuple((here, there) for here, there in values["editor_paths"])
    # Without its wrong keys a rule would hide more than it says, so that it counts not at all.
    values["ignore"] = tuple(
        tuple(sorted(rule.items())) for rule in values["ignore"] if is_rule(rule)
    )
    if values["store"] is None:
        values["store"] = default_store()
    elif values["store"] is False:
        values["store"] = None
    if values["statsd"] is not None:
        values["statsd"] = {**STATSD_DEFAULTS, **values["statsd"]}
    if os.environ.get(KILL_SWITCH, "") not in ("", "0"):
        values["enabled"] = False
    return Settings(**values, debug=bool(django_settings.DEBUG))


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in (SETTING, "DEBUG", "BASE_DIR"):
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="perfkit.conf")
