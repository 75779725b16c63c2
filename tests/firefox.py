"""Firefox for tests: runs a script of Node.js that drives it through puppeteer-core over WebDriver BiDi.

The same scripts run in Chromium: ``tests/visiting.mjs`` gives both one face.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.browser import driven, missing

#: As Debian names it, and others.
NAMES = ("firefox-esr", "firefox")


def firefox() -> str:
    """Return where Firefox is; skip the test where it is not, and fail it under CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or missing("Firefox is not installed: apt-get install firefox-esr")


def visited(script: Path, *arguments: str) -> Any:
    """Run a script in Node.js and return the JSON that it printed.

    Args:
        script: written against ``tests/visiting.mjs``.
        arguments: of the script.
    """
    return driven(script, arguments, {"BROWSER": "firefox", "FIREFOX": firefox()})
