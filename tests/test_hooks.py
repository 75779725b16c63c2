"""Installing and taking off the hooks: once, each by itself, without a trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.backends.signals import connection_created
from django.db.models.query import ModelIterable
from django.test import override_settings

from perfkit import hooks, isolation, record
from perfkit.capture import origin, places, relation, sql
from perfkit.capture.places import Owner
from perfkit.conf import Settings, get_settings
from tests.library.models import Book

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def installed_again() -> Iterator[None]:
    """Leave the hooks on, as the other tests expect them, and the counts as they were."""
    failures = isolation.failures.copy()
    isolation.failures.clear()
    yield
    hooks.uninstall()
    hooks.install()
    isolation.failures.clear()
    isolation.failures.update(failures)


def test_installing_twice_hooks_once() -> None:
    """Middleware and record() both install; a statement is still noted once."""
    connection.ensure_connection()
    for _ in range(3):
        hooks.install()
    hooks.install.cache_clear()
    hooks.install()
    assert connection.execute_wrappers.count(sql.observe) == 1
    with record() as recorded:
        Book.objects.count()
    assert len(recorded.queries) == 1


def test_uninstalling_leaves_nothing() -> None:
    """Connections, signal, caches and the ORM are Django's own again; installing works anew."""
    hooks.install()
    hooks.uninstall()
    assert sql.observe not in connection.execute_wrappers
    assert not any(lookup[0] == "perfkit" for lookup, *_ in connection_created.receivers)
    assert "create_connection" not in vars(caches)
    assert ModelIterable.__iter__ is origin._original_iter
    with record() as recorded:
        Book.objects.count()
    assert len(recorded.queries) == 1


def test_every_hook_installs_on_this_django() -> None:
    """No private name that a hook needs is missing."""
    hooks.uninstall()
    hooks.install()
    assert isolation.failures == {}
    assert set(relation._roles.values()) == {
        "queryset",
        "forward",
        "reverse_one",
        "deferred",
        "generic",
    }


@pytest.mark.parametrize(
    ("module", "name", "part"),
    [
        (hooks.places, "set_user_folders", "settings"),
        (hooks.sql, "install", "database hook"),
        (hooks.cache_hook, "install", "cache hook"),
        (hooks.origin, "install", "origin hook"),
    ],
)
def test_a_hook_that_cannot_be_installed_stops_no_other(
    module: Any,
    name: str,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A Django that renamed something costs one feature, one line of log, and no request."""

    def fail(*args: object) -> None:
        raise AttributeError("renamed")

    hooks.uninstall()
    monkeypatch.setattr(module, name, fail)
    with caplog.at_level(logging.ERROR, "perfkit"):
        hooks.install()
        hooks.install()
    assert isolation.failures == {part: 1}
    assert len(caplog.records) == 1
    assert part in caplog.records[0].getMessage()
    with record() as recorded:
        Book.objects.count()
    assert len(recorded.queries) == (0 if part == "database hook" else 1)


def test_user_paths_reach_the_table_of_owners(tmp_path: Path) -> None:
    """USER_PATHS is read when the hooks are installed."""
    module = str(tmp_path / "site-packages" / "ours" / "models.py")
    hooks.uninstall()
    with override_settings(PERFKIT={"USER_PATHS": [str(tmp_path)]}):
        hooks.install()
        assert places.owner_of(module) is Owner.SITE
    hooks.uninstall()
    hooks.install()
    assert places.owner_of(module) is Owner.PACKAGE


def test_a_trace_has_the_limits_of_the_settings() -> None:
    """Milliseconds in settings, seconds in the trace."""
    with override_settings(PERFKIT={"MAX_QUERIES": 7, "SLOW_QUERY_MS": 250.0}):
        settings: Settings = get_settings()
        trace = hooks.new_trace(settings)
    assert (trace.limit, trace.slow_s) == (7, 0.25)
