"""Settings of the example shop: for trying perfkit on one machine, never for a public server.

Environment: ``EXAMPLE_DB`` is the path of the SQLite file, ``EXAMPLE_DEBUG=1`` switches DEBUG on
(and django-debug-toolbar with perfkit's panels, where it is installed). ``EXAMPLE_STATSD`` is the
``host:port`` of a statsd and ``EXAMPLE_STATSD_FORMAT`` how names are spelled for it;
``EXAMPLE_GRAPHITE`` is where graphite-web answers.
"""

import os
from importlib.util import find_spec
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# Made for the example and published with it: it protects nothing.
SECRET_KEY = "perfkit-example-only-this-key-is-public"
DEBUG = os.environ.get("EXAMPLE_DEBUG") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
INTERNAL_IPS = ["127.0.0.1", "::1"]

INSTALLED_APPS = [
    "shop",
    "perfkit",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "perfkit.middleware.PerfkitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

if DEBUG and find_spec("debug_toolbar"):
    from debug_toolbar.settings import PANELS_DEFAULTS

    from perfkit_panels import PANELS

    INSTALLED_APPS += ["debug_toolbar"]
    # perfkit's panels show a finished record, so the toolbar has to stand outside perfkit.
    MIDDLEWARE.insert(0, "debug_toolbar.middleware.DebugToolbarMiddleware")
    DEBUG_TOOLBAR_PANELS = [*PANELS, *PANELS_DEFAULTS]

ROOT_URLCONF = "shop_site.urls"
WSGI_APPLICATION = "shop_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.showcase.shown_page",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DB") or BASE_DIR / "db.sqlite3",
        "OPTIONS": {
            # Several workers write: wait for the lock at BEGIN, where SQLite can wait, and let
            # readers go on meanwhile.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "for_you"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"

PERFKIT = {"GRAPHITE_URL": os.environ.get("EXAMPLE_GRAPHITE") or None}
if statsd := os.environ.get("EXAMPLE_STATSD"):
    host, _, port = statsd.rpartition(":")
    PERFKIT["STATSD"] = {
        "HOST": host,
        "PORT": int(port),
        "FORMAT": os.environ.get("EXAMPLE_STATSD_FORMAT") or "plain",
    }
