"""The site for gunicorn, which serves itself a page as it is loaded: a warm-up."""

from __future__ import annotations

from django.test import Client

from tests.server.site_wsgi import application as application

Client().get("/")
