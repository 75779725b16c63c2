"""Settings of a site whose pages hang until they are told not to."""

from __future__ import annotations

import os

from perfkit.watchdog import watchdog
from tests.server.site_settings import *  # noqa: F403  # the same site, with other pages

ROOT_URLCONF = "tests.watchdog.site_urls"
MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
if os.environ.get("PERFKIT_TEST_SYNC_MIDDLEWARE"):
    MIDDLEWARE.append("tests.watchdog.site_urls.sync_only")
PERFKIT = {
    "FLUSH_INTERVAL_SECONDS": float(os.environ.get("PERFKIT_TEST_INTERVAL", "3600")),
    "WATCHDOG_SECONDS": float(os.environ.get("PERFKIT_TEST_WATCHDOG", "0.4")),
}
# Twenty looks within a second: the tests wait for what is told after the last.
watchdog.EVERY_S = 0.02
