"""The app: gives a project ``manage.py perfreport`` and the system checks."""

from __future__ import annotations

from django.apps import AppConfig


class PerfkitConfig(AppConfig):
    """Optional: the middleware records without it."""

    name = "perfkit"
    verbose_name = "perfkit"

    def ready(self) -> None:
        """Register the system checks."""
        from perfkit import checks  # imports Django parts that need the app registry

        checks.register_all()
