"""A database that does what it is told and then loses the connection before it says so."""

from __future__ import annotations

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

#: How many of the next commits are done without the client learning of it.
unheard: list[str] = []
#: How many of the next commits are not done, which the client does not learn either.
undone: list[str] = []


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite behind a network that breaks."""

    def _commit(self) -> None:
        if undone:
            self._rollback()
            raise OperationalError(undone.pop())
        super()._commit()
        if unheard:
            raise OperationalError(unheard.pop())
