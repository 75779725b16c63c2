"""The settings of capture_load.py's site, for its servers and for itself: one store, one key."""

from __future__ import annotations

import os
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of the measurement only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="capture_site",
    MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"],
    PERFKIT={
        "STORE": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(os.environ["PERFKIT_CAPTURE_FOLDER"], "store.sqlite3")),
        },
        "STORE_MAX_BYTES": 1_000_000_000,
        "CAPTURES": 2_000,
        "CAPTURE_SHARED": "label",
    },
)
django.setup()
