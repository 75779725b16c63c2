"""Django settings of the test-suite: a site with perfkit in it, and two database aliases."""

from __future__ import annotations

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "of the test-suite only"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # for the admin pages of tests/nplusone
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "perfkit",
    "tests.library",
    "tests.nplusone",
]
# No test writes through the admin, so it needs no messages.
SILENCED_SYSTEM_CHECKS = ["admin.E402", "admin.E404", "admin.E406", "admin.E409", "admin.W411"]
MIDDLEWARE = [
    "perfkit.middleware.PerfkitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]
# In memory while the tests run.
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / f"{alias}.sqlite3"}
    for alias in ("default", "other")
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# A test that wants a store gives it a folder of its own.
PERFKIT = {"STORE": False}
