"""Serve the example shop over a folder that demo_day.py filled, for as long as it is wanted: pictures are taken of it.

`python scripts/demo_site.py FOLDER` prints the address once it answers; the end of its input ends it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

EXAMPLE = Path(__file__).resolve().parent.parent / "example"


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, as production servers have."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_message(self, *_: object) -> None:
        """Do without the log."""


def main(folder: Path) -> int:
    """Serve until the input ends."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "shop_site.settings",
        "EXAMPLE_DB": str(folder / "shop.sqlite3"),
    }
    sys.path.insert(0, str(EXAMPLE))
    import django
    from django.conf import settings

    store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "perfkit.sqlite3")}
    settings.PERFKIT = {"STORE": store}
    django.setup()
    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", 0, get_wsgi_application(), Server, Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    server.shutdown()
    thread.join()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: demo_site.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
