"""Count each request's statements below Django, by SQLite's own trace of what it runs, one JSON line a request.

perfkit counts where Django calls the database; this counts inside the database library, so the two counts share no code.
Only the names of routes are perfkit's, so that they can be laid side by side.
Used as a gunicorn application: ``counter:application()``; the lines go to the file named by ``REAL_COUNTS``.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db.backends.signals import connection_created

TRANSACTION = re.compile(r"BEGIN|SAVEPOINT|RELEASE|ROLLBACK TO")
#: No statement Django sends through a cursor: the end of a transaction, which it asks of the driver, and what SQLite
#: runs on its own behalf. SQLite marks what triggers and full-text tables run inside a statement with ``--``,
#: but not what a full-text table asks when it is opened.
OWN = re.compile(
    r"COMMIT$|ROLLBACK$|--|PRAGMA 'main'\.data_version$|SELECT k, v FROM 'main'\.'\w+_config'$"
)


class CountingHandler(WSGIHandler):
    """Django's own handler, which notes what SQLite ran between a request's start and the end of its body.

    One request at a time in a process, as gunicorn's sync workers do.
    """

    def __init__(self, path: Path) -> None:
        """Append to the file at ``path``."""
        super().__init__()
        self.path = path
        self.line: dict[str, Any] = {}
        connection_created.connect(self._follow)
        request_started.connect(self._begin)
        request_finished.connect(self._end)

    def get_response(self, request: Any) -> Any:
        """Answer as Django does, and keep the name of the route."""
        from perfkit.metrics.route import route_label

        response = super().get_response(request)
        self.line["route"] = route_label(request.resolver_match, response.status_code)
        return response

    def _follow(self, connection: Any, **_: Any) -> None:
        if connection.alias in settings.DATABASES:  # not a connection perfkit opened for its store
            connection.connection.set_trace_callback(self._note)

    def _begin(self, environ: dict[str, Any], **_: Any) -> None:
        self.line = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "statements": 0,
            "transactions": 0,
        }

    def _note(self, sql: str) -> None:
        if self.line and not OWN.match(sql):
            self.line["transactions" if TRANSACTION.match(sql) else "statements"] += 1

    def _end(self, **_: Any) -> None:
        line, self.line = self.line, {}
        with self.path.open("a") as counts:  # one short appending write: no worker splits a line
            counts.write(json.dumps(line) + "\n")


def application() -> CountingHandler:
    """Return the site of ``DJANGO_SETTINGS_MODULE`` behind a `CountingHandler`."""
    django.setup(set_prefix=False)
    return CountingHandler(Path(os.environ["REAL_COUNTS"]))
