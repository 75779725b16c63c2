"""Settings of the CMS: those ``wagtail start mysite`` writes, with what it leaves to the deployer, and one line more.

``REAL_PERFKIT=1`` adds that line.
"""

import os

from mysite.settings.base import *  # noqa: F403 - as the generated production.py does
from mysite.settings.base import MIDDLEWARE

SECRET_KEY = "a fixed key, so that signed cookies are the same in every crawl"
ALLOWED_HOSTS = ["127.0.0.1"]
DEBUG = False
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if os.environ.get("REAL_PERFKIT") == "1":
    MIDDLEWARE.insert(0, "perfkit.middleware.PerfkitMiddleware")
