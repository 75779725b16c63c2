"""Where the capture pages are, captures can be made; elsewhere nothing is said."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.test import override_settings
from django.urls import include, path

from perfkit.checks.captures import check_captures


@pytest.fixture
def with_pages(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a URLconf that includes the pages."""
    urls: Any = ModuleType("urls_with_captures")
    urls.urlpatterns = [path("perfkit/", include("perfkit.urls"))]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    return str(urls.__name__)


def told(**settings: Any) -> list[CheckMessage]:
    """Run the check with these settings."""
    with override_settings(**settings):
        return check_captures()


@pytest.mark.parametrize(
    ("perfkit", "reason"), [({"STORE": False}, "STORE"), ({"CAPTURES": 0}, "CAPTURES")]
)
def test_there_is_nowhere_to_keep_one(
    with_pages: str, perfkit: dict[str, Any], reason: str
) -> None:
    """The message names the setting, the hint what to do."""
    (message,) = told(ROOT_URLCONF=with_pages, PERFKIT=perfkit)
    assert (message.id, message.msg.split(":")[0]) == (
        "perfkit.W018",
        f"perfkit.urls is included, but PERFKIT['{reason}'] is {perfkit[reason]}",
    )
    assert message.hint


def test_nobody_can_be_allowed(with_pages: str) -> None:
    """Without users there is no permission."""
    (message,) = told(ROOT_URLCONF=with_pages, PERFKIT={}, INSTALLED_APPS=["perfkit"])
    assert "django.contrib.auth is not installed" in message.msg


def test_nothing_is_wrong(with_pages: str) -> None:
    """With pages and a store, or without either."""
    assert told(ROOT_URLCONF=with_pages, PERFKIT={}) == []
    assert told(ROOT_URLCONF="tests.urls", PERFKIT={"STORE": False}) == []


def test_a_urlconf_that_is_broken() -> None:
    """Django tells of it; this check has nothing to add."""
    assert told(ROOT_URLCONF="no.such.urls", PERFKIT={"STORE": False}) == []
