"""The permission to make and see captures: a model without a table, so that ``migrate`` makes it."""

from __future__ import annotations

from django.db import models


class _NoRows(models.Manager["Capture"]):
    """Asks the database nothing: ``dumpdata`` goes through every model, and this one has no table."""

    def get_queryset(self) -> models.QuerySet[Capture]:
        """Return no rows."""
        return super().get_queryset().none()


class Capture(models.Model):
    """Stands for the captures in perfkit's own store; there is nothing of it in the site's database."""

    objects = _NoRows()

    class Meta:
        """No table, and one permission."""

        managed = False
        base_manager_name = "objects"
        default_permissions = ()
        permissions = [("capture_profile", "Can capture profiles of requests and see them")]
        verbose_name = "captured profile"

    def __str__(self) -> str:
        return "a captured profile"
