"""No value of the site leaves it: a site full of secrets, and all that perfkit says of it searched."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from perfkit.errors import StoreError
from perfkit.report.options import FORMATS
from perfkit.store.payload import unpack
from tests.faults.planted import NAMES, PLANTED
from tests.seen import Seen
from tests.server.serving import PATIENCE_S, Server, environment

SETTINGS = "tests.faults.secrets_settings"
#: Everything on, so that everything is searched.
PERFKIT = {
    "EXPLAIN": True,
    "SLOW_QUERY_MS": 0.0001,
    "WATCHDOG_SECONDS": 0.2,
    "SAMPLES_PER_HOUR": 50,
    "SERVER_TIMING": "always",
    "ANALYZERS": [
        "perfkit.analyzers.nplusone.analyze",
        "perfkit.analyzers.writes.analyze",
        "perfkit.analyzers.duplicates.analyze",
        "perfkit.analyzers.slow.analyze",
        "tests.faults.secrets_urls.telling",
    ],
}
ROUTES = ("/page/", "/failing/", "/redirect/", "/stream/", "/stalling/")


class Packets:
    """A UDP socket that keeps every packet, as statsd would get it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.address: tuple[str, int] = self.socket.getsockname()
        self.taken: list[bytes] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        while True:
            last = self._ends.is_set()
            try:
                while True:
                    self.taken.append(self.socket.recv(65_536))
            except TimeoutError:
                if last:
                    return

    def end(self) -> None:
        """Take what is still on its way."""
        self._ends.set()
        self._thread.join()
        self.socket.close()


class Visit:
    """One server, all that is planted in it, and all that perfkit told of it."""

    def __init__(self, folder: Path, form: str) -> None:
        self.folder = folder
        self.packets = Packets()
        host, port = self.packets.address
        statsd = {"HOST": host, "PORT": port, "FORMAT": form}
        perfkit = {**PERFKIT, "STATSD": statsd}
        prepare(environment(folder, 0.5, perfkit, SETTINGS))
        self.server = Server(
            folder,
            *("gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "2"),
            "tests.server.site_wsgi:application",
            interval_s=0.5,
            perfkit=perfkit,
            settings=SETTINGS,
        )
        try:
            self._plant()
        finally:
            self.server.stop()
            self.packets.end()

    def _plant(self) -> None:
        token = PLANTED["url path"]
        headers = {
            "User-Agent": PLANTED["user agent"],
            "Authorization": f"Bearer {PLANTED['authorization']}",
            "Referer": f"http://site/{PLANTED['referer']}",
            "X-Own": PLANTED["own header"],
            f"X-{NAMES['header name']}": "1",
            "X-Request-Start": f"t={PLANTED['request start']}",
            "X-Forwarded-For": PLANTED["forwarded for"],
            "Cookie": f"{NAMES['cookie name']}=1; sessionid={PLANTED['cookie']}",
        }
        query = (
            f"?q={PLANTED['query string']}&{NAMES['query key']}=1&{PLANTED['query without name']}"
        )
        form = f"{NAMES['form key']}=1&value={PLANTED['form value']}"
        upload = (
            f'--b\r\nContent-Disposition: form-data; name="f"; filename="{PLANTED["file name"]}"'
            f"\r\n\r\n{PLANTED['file content']}\r\n--b--\r\n"
        )
        bodies = {
            "application/x-www-form-urlencoded": form,
            "application/json": f'{{"key": "{PLANTED["json value"]}"}}',
            "multipart/form-data; boundary=b": upload,
        }
        for route in ROUTES:
            self.ask("GET", f"{route}{token}/{query}", headers)
            if route != "/stalling/":
                for kind, body in bodies.items():
                    self.ask(
                        "POST", f"{route}{token}/{query}", {**headers, "Content-Type": kind}, body
                    )
        self.ask("GET", f"/nothing/{PLANTED['unknown url']}/{query}", headers)
        self.ask(PLANTED["method"].upper(), f"/page/{token}/", headers)
        self.server.until(lambda window: window.requests >= 19)
        # Plans are told with the next flush.
        self.server.until(lambda window: "query_plan" in self.kinds())

    def ask(self, method: str, url: str, headers: dict[str, str], body: str | None = None) -> None:
        """Send a request, and read the answer."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        connection.request(method, url, body, headers)
        connection.getresponse().read()
        connection.close()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table of the store, unpacked where it is packed."""
        with closing(sqlite3.connect(self.folder / ".perfkit" / "perfkit.sqlite3")) as connection:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            return [
                {
                    name: opened(value) if isinstance(value, bytes) else value
                    for name, value in zip(names, row, strict=True)
                }
                for row in cursor
            ]

    def kinds(self) -> dict[str, str]:
        """Return a finding of each kind that there is: its fingerprint, by the kind."""
        stored = self.rows("perfkit_finding")
        return {row["payload"]["kind"]: row["fingerprint"] for row in stored}

    def store(self) -> str:
        """Return every value of every table, and every byte of the store's files."""
        tables = [row["name"] for row in self.rows("sqlite_master") if row["type"] == "table"]
        files = (self.folder / ".perfkit").iterdir()
        told = [str(self.rows(table)) for table in tables]
        told += [file.read_bytes().decode("latin-1") for file in files if file.is_file()]
        return "\n".join(told)


def opened(value: bytes) -> Any:
    """Return what is packed; of what is not JSON, the bytes, decompressed where they are."""
    try:
        return unpack(value)
    except StoreError:
        pass
    try:
        return zlib.decompress(value).decode("latin-1")
    except zlib.error:
        return value.decode("latin-1")


def prepare(variables: dict[str, str]) -> None:
    """Make the site's tables, with rows that are secret, by a process without perfkit."""
    rows = f"""
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
for number in range(8):
    User.objects.create(username=f"{PLANTED["stored row"]}{{number}}", email=f"{{number}}@site")
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(
        "CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 20000) SELECT i, '{PLANTED["stored row"]}' || i AS name FROM n"
    )
"""
    subprocess.run(
        [sys.executable, "-c", rows], env={**variables, "PERFKIT_DISABLED": "1"}, check=True
    )


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Visit]:
    """Serve the site once, and plant everything in it."""
    folder = tmp_path_factory.mktemp("secrets")
    with django_db_blocker.unblock():
        yield Visit(folder, "plain")


@pytest.fixture
def report(visit: Visit, settings: Any, django_db_blocker: Any) -> Iterator[Callable[..., str]]:
    """Return what ``perfreport`` prints of the visit, on both streams."""
    store = visit.folder / ".perfkit" / "perfkit.sqlite3"
    settings.PERFKIT = {"STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(store)}}

    def run(*options: str) -> str:
        out, told = StringIO(), StringIO()
        try:
            call_command("perfreport", *options, stdout=out, stderr=told)
        except CommandError as error:  # nagios tells its status so
            told.write(str(error))
        assert out.getvalue()
        return out.getvalue() + told.getvalue()

    with django_db_blocker.unblock():
        yield run


def found_in(text: str) -> list[str]:
    """Name what is in a text though it was secret, however it is written."""
    plain = text.lower()
    return [where for where, secret in PLANTED.items() if secret.lower() in plain]


def test_the_search_would_find_them() -> None:
    """The test itself: every secret is found where it stands."""
    assert found_in(" ".join(PLANTED.values())) == list(PLANTED)


def test_the_store_holds_no_secret(visit: Visit) -> None:
    """Windows, findings and samples, unpacked; and the bytes of its files."""
    told = visit.store()
    for known in ("n_plus_one", "query_plan", "slowest", "errored", "stall", "ValueError"):
        assert known in told, "not all that perfkit stores was made"
    assert found_in(told) == []


@pytest.mark.parametrize("form", FORMATS)
def test_no_report_tells_a_secret(report: Callable[..., str], form: str) -> None:
    """In every format, with all routes, findings and samples."""
    options = ["--samples"] if form in ("text", "markdown") else []
    told = report("--since", "all", "--format", form, "--limit", "1000", *options)
    assert found_in(told) == []


@pytest.mark.parametrize(
    "options",
    [("--compare", "2h/1h..1h/1h"), ("--stale",), ("-v", "3"), ("--samples", "--route", "page")],
    ids=" ".join,
)
def test_no_other_report_tells_a_secret(
    report: Callable[..., str], options: tuple[str, ...]
) -> None:
    """What it prints in place of the report, or beside it."""
    assert found_in(report(*options)) == []


def test_no_finding_in_full_tells_a_secret(visit: Visit, report: Callable[..., str]) -> None:
    """``--explain`` of each kind that there is: statement, code excerpts, history."""
    kinds = visit.kinds()
    assert {"n_plus_one", "slow_query", "query_plan"} <= set(kinds)
    for fingerprint in kinds.values():
        assert found_in(report("--since", "all", "--explain", fingerprint)) == []


def test_no_packet_tells_a_secret(visit: Visit) -> None:
    """Every byte that a real socket got."""
    packets = b"\n".join(visit.packets.taken)
    assert b"page" in packets
    assert b"_404" in packets
    assert found_in(packets.decode("latin-1")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["tags", "dogstatsd"])
def test_no_packet_of_another_form_tells_a_secret(seen: Seen, settings: Any, form: str) -> None:
    """Where the route is a tag, beside the method."""
    settings.ROOT_URLCONF = "tests.faults.secrets_urls"
    packets = Packets()
    host, port = packets.address
    seen.configure(STATSD={"HOST": host, "PORT": port, "FORMAT": form})
    for url in (f"/redirect/{PLANTED['url path']}/", f"/{PLANTED['unknown url']}/"):
        Client().get(url, {"q": PLANTED["query string"]}, headers={"X-Own": PLANTED["own header"]})
    Client().generic(PLANTED["method"].upper(), f"/redirect/{PLANTED['url path']}/")
    seen.flush()
    packets.end()
    told = b"".join(packets.taken)
    assert b"redirect" in told
    assert b"_404" in told
    assert found_in(told.decode("latin-1")) == []


def test_no_log_line_tells_a_secret(visit: Visit) -> None:
    """With the traceback of a part that failed with all that it was given."""
    log = (visit.folder / "perfkit.log").read_text(encoding="utf-8")
    assert "ValueError" in log
    assert found_in(log) == []
