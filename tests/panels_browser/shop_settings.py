"""The example shop with its toolbar, under a strict policy, with everything that is written in one folder."""

import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["PERFKIT_TEST_FOLDER"])
os.environ["EXAMPLE_DB"] = str(FOLDER / "shop.sqlite3")
os.environ["EXAMPLE_DEBUG"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "example"))

from shop_site.settings import *  # noqa: E402, F403  # a site's own settings, and a few more
from shop_site.settings import MIDDLEWARE, PERFKIT  # noqa: E402

MIDDLEWARE = ["tests.panels_browser.policy.strict", *MIDDLEWARE]
PERFKIT = {
    **PERFKIT,
    "STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "perfkit.sqlite3")},
    "FLUSH_INTERVAL_SECONDS": 0.5,
    "EDITOR": "vscode",
}
