"""The example shop, seeded and served in a process of its own, with the toolbar and perfkit's panels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Server, environment

SETTINGS = "tests.panels_browser.shop_settings"
SIZES = {"products": 60, "suppliers": 8, "customers": 4, "reviews": 100, "orders": 60}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: Any) -> Iterator[str]:
    """Serve the shop; return its address."""
    folder: Path = tmp_path_factory.mktemp("shop")
    variables = environment(folder, 0.5, settings=SETTINGS)
    seed = [f"--{name}={size}" for name, size in SIZES.items()]
    for command in (["migrate", "-v0"], ["seed", *seed]):
        subprocess.run(
            [sys.executable, "-m", "django", *command],
            env=variables,
            cwd=folder,
            check=True,
            capture_output=True,
        )
    server = Server(
        folder,
        *("gunicorn", "--bind", "127.0.0.1:0", "--threads", "4"),
        "django.core.wsgi:get_wsgi_application()",
        interval_s=0.5,
        settings=SETTINGS,
    )
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
