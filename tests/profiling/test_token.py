"""Who may capture, and whom it changes nothing for: tokens that are not good for this very request."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client, RequestFactory

from perfkit.errors import CaptureRefused
from perfkit.profiling import token as token_module
from perfkit.profiling.admission import _spent
from perfkit.profiling.running import CAPTURING, MOST_AT_ONCE, RunningCapture
from perfkit.profiling.start import is_allowed, page_token, set_cookie
from perfkit.profiling.token import COOKIE, HEADER, LONGEST_PATH, path_fits
from perfkit.store.captures import listed
from perfkit.store.nonces import MOST_A_MINUTE
from tests.profiling.conftest import CapturedSite, Get


def unchanged(captured: CapturedSite, response: Any, path: str = "/work/") -> bool:
    """Tell whether an answer is what a visitor without any token gets, and nothing was captured."""
    plain = Client(raise_request_exception=False).get(path)
    same = (response.status_code, dict(response.headers), response.content) == (
        plain.status_code,
        dict(plain.headers),
        plain.content,
    )
    return same and not response.cookies and captured.all() == []


def test_no_token_no_capture(captured: CapturedSite, get: Get) -> None:
    """Nothing is captured, and no header tells that it could be."""
    response = get("/work/")
    assert HEADER not in response.headers
    assert unchanged(captured, response)


@pytest.mark.parametrize(
    "forged",
    ["x", "", "a:b:c", "é", "x" * 100_000, "\x00", "W10:1abcde:signature"],
    ids=["text", "empty", "parts", "letters", "long", "nul", "signed"],
)
def test_a_forged_token(captured: CapturedSite, get: Get, forged: str) -> None:
    """It is as if there were none, whatever stands in the header."""
    assert unchanged(captured, get("/work/", **{HEADER: forged}))


def test_a_token_of_another_salt_or_shape(captured: CapturedSite, get: Get) -> None:
    """What the site itself has signed is no token, and neither is one that says something else."""
    told = ["nonce", "7", "", "GET", "/work/", "sampler"]
    for forged in (
        signing.dumps(told),
        signing.dumps(told, salt="perfkit.capture", key="another key"),
        signing.dumps(told[:5], salt="perfkit.capture"),
        signing.dumps({"nonce": 1}, salt="perfkit.capture"),
        signing.dumps([*told[:5], "gprof"], salt="perfkit.capture"),
    ):
        assert unchanged(captured, get("/work/", forged))


def test_a_changed_token(captured: CapturedSite, get: Get) -> None:
    """A token in which one letter differs is none."""
    token = captured.token("/work/")
    assert unchanged(captured, get("/work/", ("A" if token[0] != "A" else "B") + token[1:]))


def test_an_expired_token(
    captured: CapturedSite, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives for two minutes."""
    token = captured.token("/work/")
    monkeypatch.setattr(token_module, "LIFE_S", -1)
    assert unchanged(captured, get("/work/", token))


def test_a_token_is_good_once(captured: CapturedSite, get: Get) -> None:
    """The second request of it is any visitor's, in another worker too."""
    token = captured.token("/work/")
    assert HEADER in get("/work/", token).headers
    assert HEADER not in get("/work/", token).headers
    _spent.clear()  # as in a worker that has not seen it
    assert HEADER not in get("/work/", token).headers
    assert len(captured.all()) == 1


@pytest.mark.parametrize("path", ["/work/x", "/wor", "/loop/", "/", "/WORK/"])
def test_another_path(captured: CapturedSite, get: Get, path: str) -> None:
    """A token is for one path."""
    assert HEADER not in get(path, captured.token("/work/")).headers
    assert captured.all() == []


def test_another_method(captured: CapturedSite) -> None:
    """A token is for one method."""
    token = captured.token("/work/", method="POST")
    assert unchanged(captured, captured.get("/work/", token))


def test_another_session(captured: CapturedSite, get: Get) -> None:
    """A token goes with the session it was asked for in: who has stolen it has nothing."""
    token = captured.token("/work/", cookies="sessionid=mine; a=b")
    for cookie in ("sessionid=theirs", "a=b", "sessionid=", "xsessionid=mine"):
        response = get("/work/", token, cookie=cookie)
        assert HEADER not in response.headers
    assert captured.all() == []
    assert HEADER in get("/work/", token, cookie="sessionid=mine").headers
    assert len(captured.all()) == 1


def test_it_comes_as_a_cookie_too(captured: CapturedSite) -> None:
    """The browser sends it with the next request, and is told to forget it."""
    request = RequestFactory().post("/start/", headers={"cookie": "sessionid=mine"})
    response = HttpResponse()
    set_cookie(response, request, page_token(request, owner="7", path="/work/"))
    cookie = response.cookies[COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("Strict", "/", 120)
    assert not cookie["secure"]
    client = Client()
    client.cookies["sessionid"] = "mine"
    client.cookies[COOKIE] = cookie.value
    answer = client.get("/work/")
    assert answer.headers[HEADER] == captured.one().id
    assert answer.cookies[COOKIE]["max-age"] == 0


def test_over_tls_the_cookie_stays_there(captured: CapturedSite) -> None:
    """It is marked secure where the request is."""
    request = RequestFactory().post("/start/", secure=True)
    response = HttpResponse()
    set_cookie(response, request, "token")
    assert response.cookies[COOKIE]["secure"]


def test_a_path_may_be_a_beginning() -> None:
    """With a star at its end."""
    assert path_fits("/items/*", "/items/7/")
    assert path_fits("/items/", "/items/")
    assert not path_fits("/items/*", "/item")
    assert not path_fits("/items/", "/items/7/")


def test_a_pattern_captures_what_begins_so(captured: CapturedSite, get: Get) -> None:
    """The first request that fits is captured."""
    assert HEADER in get("/items/7/", captured.token("/items/*")).headers
    assert captured.one().name == "/items/<int:pk>/"


def test_ten_a_minute_are_enough(captured: CapturedSite) -> None:
    """Of one user; another one is not held up by it."""
    for _ in range(MOST_A_MINUTE):
        captured.token("/work/")
    with pytest.raises(CaptureRefused, match="10 a minute"):
        captured.token("/work/")
    captured.token("/work/", owner="8")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"path": "work/"}, "from / on"),
        ({"path": "/" + "x" * LONGEST_PATH}, "letters"),
        ({"path": "/a\nb"}, "from / on"),
        ({"path": "/", "method": "BREW"}, "BREW"),
        ({"path": "/", "engine": "gprof"}, "gprof"),
    ],
)
def test_what_no_token_is_for(captured: CapturedSite, options: dict[str, str], reason: str) -> None:
    """Each is refused with the value and what is allowed."""
    with pytest.raises(CaptureRefused, match=reason):
        captured.token(**options)


@pytest.mark.parametrize(
    ("options", "reason"), [({"STORE": False}, "STORE"), ({"CAPTURES": 0}, "CAPTURES")]
)
def test_nowhere_to_keep_it(
    captured: CapturedSite, get: Get, options: dict[str, Any], reason: str
) -> None:
    """No token is given out, and who has one from before is told why nothing comes of it."""
    token = captured.token("/work/")
    captured.settings.PERFKIT = {**captured.settings.PERFKIT, **options}
    with pytest.raises(CaptureRefused, match=reason):
        captured.token("/work/")
    response = get("/work/", token)
    assert response.status_code == 200
    assert response.headers[HEADER].startswith(f"refused; PERFKIT['{reason}']")


def test_a_store_that_does_not_answer(captured: CapturedSite, get: Get) -> None:
    """The page is served, and its owner told."""
    token = captured.token("/work/")
    captured.seen.path.unlink()
    captured.seen.path.mkdir()
    response = get("/work/", token)
    assert (response.status_code, response.content) == (200, b"worked 0")
    assert response.headers[HEADER] == "refused; the store did not answer"
    captured.seen.path.rmdir()


def test_more_at_once_than_may_be(captured: CapturedSite, get: Get) -> None:
    """The fifth is refused with its reason, and served."""
    token = captured.token("/work/")
    others = [RunningCapture("sampler", "page") for _ in range(MOST_AT_ONCE)]
    CAPTURING.update({id(each): each for each in others})
    try:
        response = get("/work/", token)
    finally:
        CAPTURING.clear()
    assert response.headers[HEADER] == "refused; 4 captures are being made already"
    assert response.content == b"worked 0"


def test_each_step_leaves_a_line(captured: CapturedSite, caplog: pytest.LogCaptureFixture) -> None:
    """Who asked, for what, what became of it; and not the token, which would be good for one more."""
    caplog.set_level(logging.INFO, "perfkit.capture")
    token = captured.token("/work/")
    captured.get("/work/", token)
    capture = captured.one()
    lines = [each.getMessage() for each in caplog.records if each.name == "perfkit.capture"]
    assert "asked for by user 7: GET /work/ with sampler" in lines[0]
    assert lines[1].endswith(f"of user 7 is {capture.id}")
    assert lines[2] == f"capture {capture.id} kept for user 7: GET /work/, sampler"
    assert not any(token in line for line in lines)


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("is_staff", [True, False])
@pytest.mark.parametrize("may", [True, False])
def test_who_is_allowed(is_active: bool, is_staff: bool, may: bool) -> None:
    """Staff that is active and has the permission; nobody else."""

    class Somebody:
        def has_perm(self, name: str) -> bool:
            return may and name == "perfkit.capture_profile"

    somebody: Any = Somebody()
    somebody.is_active, somebody.is_staff = is_active, is_staff
    assert is_allowed(somebody) == (is_active and is_staff and may)
    assert not is_allowed(None)


def test_migrate_makes_the_permission(db: None) -> None:
    """There is no table for it, and nothing that goes through all models stumbles over that."""
    from django.contrib.auth.models import Permission
    from django.core.management import call_command

    from perfkit.models import Capture

    found = Permission.objects.get(codename="capture_profile")
    assert found.content_type.app_label == "perfkit"
    assert list(Capture.objects.all()) == []
    assert str(Capture()) == "a captured profile"
    for arguments in (["perfkit"], ["perfkit", "--all"]):
        told = StringIO()
        call_command("dumpdata", *arguments, stdout=told)
        assert json.loads(told.getvalue()) == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_nobody_is_listed_before_there_is_a_store(captured: CapturedSite) -> None:
    """An empty list, no error."""
    assert listed(captured.database, None) == ()
