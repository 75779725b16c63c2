"""A server that does what it is told and then loses the connection before it says so."""

from __future__ import annotations

from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from tests.store.lossy.base import undone, unheard


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL behind a network that breaks when something was written."""

    def _commit(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned()")
            wrote = cursor.fetchone() != (None,)
        if undone and wrote:
            self._rollback()
            raise OperationalError(undone.pop())
        super()._commit()
        if unheard and wrote:
            raise OperationalError(unheard.pop())
