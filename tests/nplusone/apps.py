"""The corpus as an app of its own, so that it runs under any settings and beside any tool."""

from __future__ import annotations

from django.apps import AppConfig


class CorpusConfig(AppConfig):
    name = "tests.nplusone"
    label = "corpus"
    default_auto_field = "django.db.models.BigAutoField"
