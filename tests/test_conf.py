"""Settings: one dict, defaults filled in, wrong values replaced, read anew after a change."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import override_settings

from perfkit.conf import (
    ALLOWED,
    KILL_SWITCH,
    OPTIONS,
    STATSD_DEFAULTS,
    Settings,
    default_store,
    get_settings,
    is_allowed,
    project_folder,
)
from perfkit.middleware import PerfkitMiddleware

DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """Let no test see what another one has read."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@override_settings(PERFKIT={})
def test_defaults() -> None:
    """Nothing need be set."""
    settings = get_settings()
    for option in OPTIONS:
        if option.name != "STORE":
            assert getattr(settings, option.name.lower()) == option.default


def test_every_option_is_a_field_and_documented_by_a_line() -> None:
    """The table and the object say the same names."""
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert fields == {option.name.lower() for option in OPTIONS} | {"debug"}
    assert all(option.help.endswith(".") and option.accepts in ALLOWED for option in OPTIONS)
    assert all(is_allowed(option.accepts, option.default) for option in OPTIONS)


def test_settings_are_read_once() -> None:
    """No request pays for reading them again."""
    assert get_settings() is get_settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_settings().enabled = False  # type: ignore[misc]  # that is the test


def test_a_change_in_a_test_is_seen() -> None:
    """override_settings works, in and after the block."""
    before = get_settings().max_queries
    with override_settings(PERFKIT={"MAX_QUERIES": 3}):
        assert get_settings().max_queries == 3
        with override_settings(PERFKIT={"MAX_QUERIES": 4}):
            assert get_settings().max_queries == 4
        assert get_settings().max_queries == 3
    assert get_settings().max_queries == before


def test_debug_and_base_dir_are_seen_too(tmp_path: Path) -> None:
    """What depends on other settings follows them."""
    with override_settings(DEBUG=True):
        assert get_settings().debug
    assert not get_settings().debug
    with override_settings(PERFKIT={}, BASE_DIR=tmp_path):
        store = get_settings().store
        assert store is not None
        assert store["NAME"] == str(tmp_path / ".perfkit" / "perfkit.sqlite3")


@pytest.mark.parametrize(
    ("accepts", "good", "bad"),
    [
        ("bool", [True, False], [1, 0, "yes", None]),
        ("share", [0, 1, 0.25], [-0.1, 1.1, True, "1", None, float("nan")]),
        ("timing", ["off", "debug", "staff", "always"], ["on", True, None, ["off"]]),
        ("store", [None, False, DATABASE], [True, "x", {}, {"ENGINE": "x"}, {"NAME": "x"}]),
        ("positive", [1, 0.5], [0, -1, True, "5", None, float("nan")]),
        ("count", [2, 5], [1, 0, 2.5, True, "5", None]),
        (
            "statsd",
            [None, {}, {"HOST": "h"}, {"HOST": "h", "PORT": 1, "PREFIX": "p"}],
            [
                "host",
                {"host": "h"},
                {"HOST": None},
                {"HOST": 5},
                {"PORT": "8125"},
                {"PORT": 0},
                {"PORT": 65_536},
                {"PORT": True},
                {"PREFIX": 7},
            ],
        ),
        ("paths", [[], (), ["a.b"], ("a.b",)], ["a.b", None, [1], {"a.b"}]),
        ("rules", [[], (), [{"MODEL": "shop.Book"}]], [None, "x", {"MODEL": "shop.Book"}]),
    ],
)
def test_what_is_allowed(accepts: str, good: list[Any], bad: list[Any]) -> None:
    """A value of the wrong kind is told from a right one, whatever it is."""
    assert [value for value in good if not is_allowed(accepts, value)] == []
    assert [value for value in bad if is_allowed(accepts, value)] == []


@pytest.mark.parametrize("wrong", [None, "x", 7, ["ENABLED"]])
def test_a_setting_that_is_no_dict_counts_as_none(wrong: Any) -> None:
    """The site goes on; the system check tells."""
    with override_settings(PERFKIT=wrong):
        assert get_settings().max_queries == 10_000


def test_a_wrong_value_counts_as_its_default() -> None:
    """And leaves the right ones beside it alone."""
    given = {
        option.name: object() for option in OPTIONS if option.name not in ("MAX_ROUTES", "STORE")
    }
    with override_settings(PERFKIT={**given, "MAX_ROUTES": 7, "STORE": 1, "NO_SUCH": 1}):
        settings = get_settings()
    assert settings.max_routes == 7
    assert settings.max_queries == 10_000
    assert settings.store is not None


def test_lists_become_tuples() -> None:
    """They are keys of caches further on."""
    with override_settings(PERFKIT={"ANALYZERS": ["a.b"], "USER_PATHS": ["/srv"]}):
        assert get_settings().analyzers == ("a.b",)
        assert get_settings().user_paths == ("/srv",)


def test_rules_are_hashable_and_wrong_ones_count_for_nothing() -> None:
    """A rule without its misspelt key would hide more than it says."""
    right = {"PATH": "author*", "MODEL": "shop.Book", "REASON": "few"}
    wrong = [{}, {"REASON": "all"}, {"MODEL": "shop.Book", "PTAH": "x"}, {"MODEL": ""}, {7: "x"}, 7]
    with override_settings(PERFKIT={"IGNORE": [right, *wrong]}):
        rule = (("MODEL", "shop.Book"), ("PATH", "author*"), ("REASON", "few"))
        assert get_settings().ignore == (rule,)
        assert hash(get_settings().ignore)


def test_statsd_is_filled_up() -> None:
    """A host alone is enough."""
    with override_settings(PERFKIT={"STATSD": {"HOST": "metrics"}}):
        assert get_settings().statsd == {**STATSD_DEFAULTS, "HOST": "metrics"}
    with override_settings(PERFKIT={"STATSD": None}):
        assert get_settings().statsd is None


def test_the_store() -> None:
    """None is the default file, False none, a dict as it stands."""
    with override_settings(PERFKIT={"STORE": None}):
        assert get_settings().store == default_store()
    with override_settings(PERFKIT={"STORE": False}):
        assert get_settings().store is None
    with override_settings(PERFKIT={"STORE": DATABASE}):
        assert get_settings().store == DATABASE


def test_the_store_without_a_base_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It lies beside the settings' package, else in the working folder."""
    with override_settings(BASE_DIR=None):
        beside = Path(__file__).parent.parent / ".perfkit" / "perfkit.sqlite3"
        assert default_store()["NAME"] == str(beside)
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "")
        monkeypatch.chdir(tmp_path)
        assert default_store()["NAME"] == str(tmp_path / ".perfkit" / "perfkit.sqlite3")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("site_settings", "site_settings.py"),
        ("shop_site.settings", "shop_site/settings.py"),
        ("shop_site.settings", "shop_site/settings/__init__.py"),
        ("shop_site.settings.live", "shop_site/settings/live.py"),
    ],
)
def test_the_project_lies_where_its_settings_are_imported_from(
    name: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However deep they lie: not above it, where other projects are, and not inside it."""
    module = ModuleType(name)
    module.__file__ = str(tmp_path / file)
    monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", name)
    with override_settings(BASE_DIR=None):
        assert project_folder() == tmp_path


@pytest.mark.parametrize(
    ("value", "enabled"), [("1", False), ("yes", False), ("0", True), ("", True)]
)
def test_the_kill_switch(value: str, enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """PERFKIT_DISABLED overrides ENABLED, and the middleware takes itself out."""
    monkeypatch.setenv(KILL_SWITCH, value)
    with override_settings(PERFKIT={"ENABLED": True, "STORE": False}):
        assert get_settings().enabled is enabled
        if enabled:
            PerfkitMiddleware(lambda request: HttpResponse())
        else:
            with pytest.raises(MiddlewareNotUsed):
                PerfkitMiddleware(lambda request: HttpResponse())


def test_enabled_switches_off() -> None:
    """ENABLED does the same from the settings."""
    with override_settings(PERFKIT={"ENABLED": False}), pytest.raises(MiddlewareNotUsed):
        PerfkitMiddleware(lambda request: HttpResponse())
