"""The Django app that has Celery's tasks recorded."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Watches the tasks of this process from the moment that Django is ready."""

    name = "perfkit.celery"
    label = "perfkit_celery"
    verbose_name = "perfkit for Celery"

    def ready(self) -> None:
        """Listen to Celery."""
        # Celery is needed only where this app is listed.
        from perfkit.celery.tasks import install

        install()
