"""Chromium for tests: runs a script of Node.js that drives it through playwright-core, and reads what it found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

LIMIT_S = 240
#: As Debian names it, and others.
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return where Chromium is; skip the test where it is not, and fail it under CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or missing("Chromium is not installed: apt-get install chromium")


def missing(reason: str) -> Any:
    """Skip the test; under CI, which skips nothing, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI skips nothing)")
    pytest.skip(reason)


def visited(script: Path, *arguments: str) -> Any:
    """Run a script in Node.js and return the JSON that it printed.

    Args:
        script: it finds the packages by ``process.env.NODE_PACKAGES``, the browser by ``CHROMIUM``.
        arguments: of the script.
    """
    return driven(script, arguments, {"BROWSER": "chromium", "CHROMIUM": chromium()})


def driven(script: Path, arguments: Sequence[str], browser: Mapping[str, str]) -> Any:
    """Run a script in Node.js with the packages that drive browsers; return the JSON that it printed.

    Args:
        script: it finds the packages by ``process.env.NODE_PACKAGES``.
        arguments: of the script.
        browser: variables that tell it which browser to drive.
    """
    # Not at the top: what is installed with perfkit's tests elsewhere may lack the scripts.
    from scripts.node_packages import install

    try:
        folder = install()
    except RuntimeError as error:
        missing(str(error))
    environment = {**os.environ, "NODE_PACKAGES": f"{folder}/", **browser}
    done = subprocess.run(
        ["node", str(script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{script.name} failed:\n{done.stderr[-4000:]}"
    return json.loads(done.stdout)
