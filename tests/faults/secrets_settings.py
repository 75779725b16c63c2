"""The site of the test of secrets: everything that perfkit can do is on, and its log is a file."""

from __future__ import annotations

from tests.server.site_settings import *  # noqa: F403  # the same site, with other pages
from tests.server.site_settings import BASE_DIR

ROOT_URLCONF = "tests.faults.secrets_urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "perfkit",
]
MIDDLEWARE = [
    "perfkit.middleware.PerfkitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": BASE_DIR / "perfkit.log"}},
    "loggers": {"perfkit": {"handlers": ["file"], "level": "DEBUG", "propagate": False}},
}
