"""Installing and taking off the hooks: once, each by itself, without a trace, on any Django."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.core.cache import caches
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.db.backends.signals import connection_created
from django.db.models.query import ModelIterable, RawModelIterable
from django.test import override_settings

import perfkit
from perfkit import hooks, isolation, record
from perfkit.capture import answer as answer_hook
from perfkit.capture import cache as cache_hook
from perfkit.capture import coroutine, places, roles, rows, sql, usage
from perfkit.capture.fit import HOOKS
from perfkit.capture.places import Owner
from perfkit.conf import Settings, get_settings
from tests import renamed
from tests.library.models import Book

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = {hook.name for hook in HOOKS}


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
    """Connections, signal, caches, ORM and asgiref are their own again; installing works anew."""
    hooks.install()
    hooks.uninstall()
    assert sql.observe not in connection.execute_wrappers
    assert not any(lookup[0] == "perfkit" for lookup, *_ in connection_created.receivers)
    assert "create_connection" not in vars(caches)
    assert ModelIterable.__iter__ is rows._original_iter
    assert RawModelIterable.__iter__ is rows._original_raw_iter
    assert SyncToAsync.__call__ is coroutine._original_call
    assert BaseHandler.check_response is answer_hook._original_check
    assert BaseHandler.resolve_request is answer_hook._original_resolve
    assert not usage.loads_along(Book.objects.select_related("author"))
    assert (roles.roles, roles.internals) == ({}, {})
    with record() as recorded:
        Book.objects.count()
    assert len(recorded.queries) == 1


def test_every_hook_installs_on_this_django() -> None:
    """No private name that a hook needs is missing."""
    hooks.uninstall()
    hooks.install()
    assert isolation.failures == {}
    assert {role.part for role in roles.roles.values()} >= roles.DESCRIPTORS
    assert set(roles.internals.values()) >= {"cascade", "session", "content_type", "validation"}


@pytest.mark.parametrize(
    ("module", "name", "part"),
    [
        (places, "set_user_folders", "settings"),
        (sql, "install", "database hook"),
        (cache_hook, "install", "cache hook"),
        (roles, "install", "relation hook"),
        (rows, "install", "origin hook"),
        (usage, "install", "eager load hook"),
        (coroutine, "install", "coroutine hook"),
        (answer_hook, "install", "answer hook"),
    ],
)
def test_a_hook_that_cannot_be_installed_stops_no_other(
    module: Any,
    name: str,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure costs one feature, one line of log, and no request."""

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


@cache
def served(name: str = "") -> dict[str, Any]:
    """Serve the pages of ``tests/renamed_pages.py`` on a Django without the name."""
    where = [str(ROOT), str(Path(perfkit.__file__).parent.parent)]
    done = subprocess.run(
        [sys.executable, "-W", "error", renamed.__file__, *filter(None, [name])],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(where)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def findings(page: str, name: str = "") -> list[dict[str, Any]]:
    """Return what was found on a page that has one loop."""
    found: list[dict[str, Any]] = served(name)["pages"][page]["record"]["findings"]
    return found


def test_every_name_is_there_on_this_django() -> None:
    """What the renamed ones are compared with: three loops, each with its queryset and fix."""
    answer = served()
    assert (answer["failures"], answer["off"], answer["told"]) == ({}, {}, "")
    for page in ("shelf", "table", "desk"):
        (finding,) = findings(page)
        assert finding["kind"] == "n_plus_one"
        assert (finding["model"], finding["path"]) == ("library.Book", "author")
        assert finding["origin"]
        assert finding["fix"] == '.select_related("author")'
    assert served()["pages"]["shelf"]["record"]["eager_loads"]
    assert findings("table")[0]["access"]["file"] == "pages/table.html"


#: A name that Django or asgiref gave up -> the hooks that are off then.
RENAMED = {
    "execute_wrappers": {"database hook"},
    "create_connection": {"cache hook"},
    "ModelIterable": {"origin hook"},
    "_fetch_all": {"origin hook"},
    "MAX_GET_RESULTS": {"origin hook"},
    "_hints": {"origin hook", "relation hook"},
    "ModelState": {"origin hook", "eager load hook"},
    "prefetch_one_level": {"prefetch hook", "eager load hook"},
    "ForwardManyToOneDescriptor": {"relation hook", "eager load hook"},
    "DeferredAttribute": {"relation hook"},
    "Collector": {"internals hook"},
    "_prefetched_objects_cache": {"eager load hook"},
    "render_annotated": {"template hook"},
    "ForNode": {"template hook"},
    "SyncToAsync": {"coroutine hook"},
    "_get_response": {"answer hook", "boundary hook"},
    "check_response": {"answer hook"},
}


@pytest.mark.parametrize("name", RENAMED)
def test_a_name_that_is_gone_turns_off_what_hangs_on_it(name: str) -> None:
    """The pages are the same; the check and the log tell of the hooks that are off; the others record."""
    off, answer = RENAMED[name], served(name)
    assert answer["failures"] == dict.fromkeys(off, 1)
    assert answer["off"].keys() == off
    assert [hook for hook in off if f"The {hook} does not fit Django" not in answer["told"]] == []
    for page, before in served()["pages"].items():
        after = answer["pages"][page]
        assert (after["status"], after["body"]) == (200, before["body"])
        for kept, hook in (("queries", "database hook"), ("cache_calls", "cache hook")):
            expected = 0 if hook in off else len(before["record"][kept])
            assert len(after["record"][kept]) == expected
        loops = [finding["kind"] for finding in after["record"]["findings"]]
        assert loops == ([] if "database hook" in off else ["n_plus_one"])
        if off.isdisjoint({"database hook", "origin hook", "relation hook", "coroutine hook"}):
            (finding,) = findings(page, name)
            assert finding["origin"]["line"] == findings(page)[0]["origin"]["line"]
            assert finding["fix"] == findings(page)[0]["fix"]
    loads = answer["pages"]["shelf"]["record"]["eager_loads"]
    assert bool(loads) is off.isdisjoint({"origin hook", "eager load hook"})


def test_every_hook_is_turned_off_by_some_name() -> None:
    """None was forgotten."""
    assert set().union(*RENAMED.values()) == EVERYTHING


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
