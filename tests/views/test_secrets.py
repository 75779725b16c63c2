"""No value of the site is in a capture: a page full of secrets captured, every page and export searched."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory

from perfkit.conf import get_settings
from perfkit.profiling.capture import ENGINES
from perfkit.profiling.export import formats_of
from perfkit.profiling.start import page_token
from perfkit.profiling.token import HEADER
from perfkit.store import captures
from tests.faults.planted import PLANTED
from tests.seen import Seen

PATHS = ("/page/", "/failing/")


@pytest.fixture
def site(seen: Seen, settings: Any, db: None) -> Seen:
    """Serve the pages with secrets beside the capture pages."""
    seen.configure(CAPTURE_SHARED="label", SAMPLES_PER_HOUR=5)
    settings.ROOT_URLCONF = "tests.views.secret_pages"
    settings.MIDDLEWARE = [
        "perfkit.middleware.PerfkitMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    return seen


def staff() -> Client:
    """Return a browser of a user who may see captures."""
    user = User.objects.create_user("staff", pk=7, is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="capture_profile"))
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def capture(browser: Client, path: str, engine: str) -> str:
    """Have one request captured that bears secrets wherever a request can; return the capture's id."""
    session = f"sessionid={browser.cookies['sessionid'].value}"
    asking = RequestFactory().post("/perfkit/start/", headers={"cookie": session})
    token = page_token(asking, owner="7", path=path, method="POST", engine=engine)
    browser.cookies["zqcookie"] = PLANTED["cookie"]
    answer = browser.post(
        f"{path}?q={PLANTED['query string']}",
        {"zqf": PLANTED["form value"]},
        headers={
            HEADER: token,
            "authorization": f"Bearer {PLANTED['authorization']}",
            "user-agent": PLANTED["user agent"],
            "referer": f"https://example.com/{PLANTED['referer']}",
            "x-forwarded-for": PLANTED["forwarded for"],
        },
    )
    told = answer.headers[HEADER]
    assert not told.startswith("refused"), told
    return told


def texts_of(browser: Client, capture_id: str, engine: str) -> Iterator[tuple[str, bytes]]:
    """Yield what the pages and exports say of a capture, each under its address."""
    addresses = [f"/perfkit/captures/{capture_id}/", f"/perfkit/diff/{capture_id}/{capture_id}/"]
    addresses += [f"/perfkit/captures/{capture_id}/export/{each}/" for each in formats_of(engine)]
    for address in ["/perfkit/", *addresses]:
        answer = browser.get(address)
        assert answer.status_code == 200, address
        yield address, answer.content


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", PATHS)
def test_no_secret_is_told(site: Seen, path: str, engine: str) -> None:
    """Of a whole page and of one that fails, by each engine: no page, export or stored row has a value."""
    if engine == "pyinstrument":
        pytest.importorskip("pyinstrument")
    browser = staff()
    made = capture(browser, path, engine)
    site.flush()
    store = get_settings().store
    assert store is not None
    assert captures.read(store, made) is not None
    found = {
        (address, where)
        for address, content in texts_of(browser, made, engine)
        for where, secret in PLANTED.items()
        if secret.encode() in content
    }
    assert found == set()


def test_the_search_finds_what_is_there(site: Seen) -> None:
    """It is no empty search: the route, the view's name and the statement's shape are on the page."""
    browser = staff()
    made = capture(browser, "/page/", "sampler")
    site.flush()
    content = dict(texts_of(browser, made, "sampler"))[f"/perfkit/captures/{made}/"]
    for known in (b"/page/", b"auth_user", b"secret_pages.py"):
        assert known in content


def test_the_stored_rows_hold_none(site: Seen) -> None:
    """In the file itself, unpacked."""
    browser = staff()
    capture(browser, "/page/", "sampler")
    site.flush()
    with closing(sqlite3.connect(site.path)) as connection:
        rows = connection.execute("SELECT * FROM perfkit_capture").fetchall()
    assert len(rows) == 1
    for value in rows[0]:
        text = zlib.decompress(value) if isinstance(value, bytes) else str(value).encode()
        assert [where for where, secret in PLANTED.items() if secret.encode() in text] == []
