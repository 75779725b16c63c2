"""A Django project in one file, perfkit's line in it: settings, routes and views.

``BENCHMARK_FOLDER`` names the folder that holds its data, ``BENCHMARK_FLUSH_S`` perfkit's flush
interval in seconds, ``BENCHMARK_STORE_MB`` the size its store may have, ``BENCHMARK_STORE_URL`` a
PostgreSQL server for it. Every response tells in ``X-Worker-Pid`` which process made it.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from server import database_of

BASE_DIR = Path(os.environ["BENCHMARK_FOLDER"])
SECRET_KEY = "made for this measurement"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = __name__
INSTALLED_APPS = ["perfkit"]
MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PERFKIT = {
    "FLUSH_INTERVAL_SECONDS": float(os.environ.get("BENCHMARK_FLUSH_S", "10")),
    "STORE_MAX_BYTES": int(os.environ.get("BENCHMARK_STORE_MB", "64")) * 2**20,
}
if url := os.environ.get("BENCHMARK_STORE_URL"):
    PERFKIT["STORE"] = database_of(url)


def plain(request: HttpRequest, number: int = 0) -> HttpResponse:
    return HttpResponse("ok", headers={"X-Worker-Pid": str(os.getpid())})


def statements(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for number in range(3):
            cursor.execute("SELECT %s", [number])
    return plain(request)


def refused(request: HttpRequest) -> HttpResponse:
    response = plain(request)
    response.status_code = 503
    return response


urlpatterns = [
    path("", plain),
    path("item/<int:number>/", plain),
    path("statements/", statements),
    path("refused/", refused),
]
