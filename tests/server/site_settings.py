"""Settings of the site that real servers serve in the tests; the test names the folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

BASE_DIR = Path(os.environ["PERFKIT_TEST_FOLDER"])
SECRET_KEY = "of the test-suite only"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.server.site_urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "perfkit"]
MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.sqlite3"}}
PERFKIT = json.loads(os.environ["PERFKIT_TEST_SETTINGS"])
