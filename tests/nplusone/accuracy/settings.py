"""Django settings of one process of the comparison: the corpus alone, and the tool under test."""

from __future__ import annotations

import os

from tests.nplusone.accuracy.tools import TOOLS
from tests.nplusone.settings import *  # noqa: F403
from tests.nplusone.settings import INSTALLED_APPS as _CORPUS

_TOOL = TOOLS[os.environ["ACCURACY_TOOL"]]

# Tools that patch Django do it while apps load, so theirs come first.
INSTALLED_APPS = [*_TOOL.apps, *(app for app in _CORPUS if app not in _TOOL.apps)]
globals().update(_TOOL.settings)
