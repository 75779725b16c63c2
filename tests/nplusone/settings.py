"""Settings under which the corpus runs alone, beside other tools: the test-suite's, without perfkit."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [app for app in _APPS if app not in {"perfkit", "tests.library"}]
MIDDLEWARE: list[str] = []
PERFKIT: dict[str, object] = {}
