"""A database that does what it is told and then loses the connection before it says so."""

from __future__ import annotations

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

#: How many of the next commits are done without the client learning of it.
unheard: list[str] = []


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite behind a network that breaks."""

    def _commit(self) -> None:
        super()._commit()
        if unheard:
            raise OperationalError(unheard.pop())
