"""The hanging site for gunicorn, which serves itself a page as it is loaded: a warm-up."""

from __future__ import annotations

from django.test import Client

from tests.watchdog.site import wsgi as wsgi

Client().get("/")
