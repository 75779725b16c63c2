"""Take the pictures of the toolbar's panels in docs/screenshots: the example shop, as the browser tests visit it.

`python scripts/panel_pictures.py`; needs Chromium and Node.js.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PICTURES = ROOT / "docs/screenshots"
KEPT = ("requests-light", "queries-dark", "advice-light", "cache-light")
SETTINGS = "tests.panels_browser.shop_settings"


def main() -> int:
    """Seed and serve the shop, visit it, and keep some of the pictures."""
    from tests import browser
    from tests.server.serving import Server, environment

    with tempfile.TemporaryDirectory(prefix="perfkit-pictures-") as name:
        folder = Path(name)
        variables = environment(folder, 0.5, settings=SETTINGS)
        for command in (["migrate", "-v0"], ["seed"]):
            command = [sys.executable, "-m", "django", *command]
            subprocess.run(command, env=variables, cwd=folder, check=True)
        server = Server(
            folder,
            *("gunicorn", "--bind", "127.0.0.1:0", "--threads", "4"),
            "django.core.wsgi:get_wsgi_application()",
            interval_s=0.5,
            settings=SETTINGS,
        )
        try:
            script = ROOT / "tests/panels_browser/visit.mjs"
            browser.visited(script, f"http://127.0.0.1:{server.port}", name)
        finally:
            server.stop()
        for kept in KEPT:
            shutil.copyfile(folder / f"panel-{kept}.png", PICTURES / f"panel-{kept}.png")
            print(f"docs/screenshots/panel-{kept}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
