"""The list: filters over captures and kept requests, and the forms that start and end captures."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from perfkit.profiling.token import COOKIE
from perfkit.store import captures
from tests.views.conftest import post


def ids(client: Client, query: str = "") -> tuple[set[str], int]:
    """Return the captures of a list, and how many kept requests it has."""
    text = client.get(f"/perfkit/?{query}").content.decode()
    found = set(re.findall(r'href="/perfkit/captures/([\w-]+)/"', text))
    return found, len(set(re.findall(r'href="/perfkit/requests/(\d+)/"', text)))


ALL = {"plain", "mended", "counted", "large", "nobodys", "hostile", "hostile-counted"}


@pytest.mark.parametrize(
    ("query", "expected", "kept"),
    [
        ("", ALL, 4),
        ("route=SUPPLIERS", {"plain", "mended", "counted", "hostile", "hostile-counted"}, 0),
        ("route=%25", {"hostile", "hostile-counted"}, 2),
        ("route=_", {"nobodys"}, 0),
        ("status=2", ALL - {"nobodys"}, 0),
        ("status=5", set(), 4),
        ("longer=60", ALL - {"mended"}, 2),
        ("longer=5000", {"large"}, 0),
        ("statements=20&route=mended", set(), 0),
        ("statements=20", ALL - {"mended"}, 4),
        ("loops=1", ALL - {"mended"}, 0),
        ("longer=1e99&status=9&statements=-1", ALL, 4),
        ("longer=nan&statements=x", ALL, 4),
    ],
)  # fmt: skip
def test_filters(client: Client, query: str, expected: set[str], kept: int) -> None:
    """Each filter leaves what it says, in both tables; one that cannot be is left out, and told."""
    assert ids(client, query) == (expected, kept)


def test_a_mistake_is_told(client: Client) -> None:
    """With the name of the filter and what was given."""
    text = client.get("/perfkit/?longer=%3Cscript%3E").content.decode()
    assert "Took at least: &#x27;&lt;script&gt;&#x27; is no number from 0 on" in text


def test_a_page_is_captured_from_the_form(client: Client) -> None:
    """The form goes to the page, with a token in a cookie that no script and no other site can use."""
    answer = post(
        client,
        "/perfkit/start/",
        path="/products/suppliers/?color=red",
        method="GET",
        engine="sampler",
    )
    assert (answer.status_code, answer["Location"]) == (302, "/products/suppliers/?color=red")
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert "red" not in cookie.value


def test_another_method_stays_here(client: Client) -> None:
    """A form cannot be sent for the user: the token waits for theirs."""
    answer = post(client, "/perfkit/start/", path="/products/", method="POST", engine="sampler")
    assert answer["Location"] == "/perfkit/"
    assert COOKIE in answer.cookies


@pytest.mark.parametrize(
    "path",
    ["", "products/", "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\tx", "///x"],
)  # fmt: skip
def test_no_way_leads_to_another_site(client: Client, path: str) -> None:
    """What is no path of this site is refused, and told as text."""
    answer = post(client, "/perfkit/start/", path=path, method="GET", engine="sampler")
    assert answer.status_code == 400
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    ("url", "given", "told"),
    [
        ("start", {"path": "/x/", "engine": "<b>"}, "&lt;b&gt;"),
        ("start", {"path": "/x/", "method": "BREW"}, "BREW"),
        ("orders", {}, "needs a route"),
        ("orders", {"route": "/x/", "count": "0"}, "an order is for"),
        ("orders", {"route": "/x/", "count": "1000"}, "an order is for"),
        ("orders", {"route": "/x/", "count": "nan"}, "is no number"),
        ("orders", {"route": "/x/", "slower": "-3"}, "is no number"),
        ("orders", {"route": "/x/", "engine": "cprofile"}, "slows visitors down"),
    ],
)
def test_what_cannot_be_is_refused(
    client: Client, url: str, given: dict[str, str], told: str
) -> None:
    """The list says why, as text, and nothing was started."""
    answer = post(client, f"/perfkit/{url}/", **given)
    assert answer.status_code == 400
    assert told in answer.content.decode()


def test_orders_are_made_shown_and_canceled(client: Client, store: dict[str, Any]) -> None:
    """The next requests of a route, and the next slow ones; each can be called off."""
    post(client, "/perfkit/orders/", route="/products/<int:pk>/", count="3", engine="sampler")
    post(client, "/perfkit/orders/", slower="250", engine="sampler")
    found = {order.id: order for order in captures.orders(store, 1.0) if order.id != "waits"}
    assert {(order.reason, order.route, order.count) for order in found.values()} == {
        ("route", "/products/<int:pk>/", 3),
        ("slower", "", 1),
    }
    text = client.get("/perfkit/").content.decode()
    assert "/products/&lt;int:pk&gt;/" in text
    assert "any route" in text
    for name in found:
        assert post(client, f"/perfkit/orders/{name}/cancel/").status_code == 302
    assert [order.id for order in captures.orders(store, 1.0)] == ["waits"]


def test_without_a_store_it_says_so(client: Client, settings: Any) -> None:
    """The list opens and tells; the other pages are none; nothing can be started."""
    settings.PERFKIT = {"STORE": False}
    assert "PERFKIT[&#x27;STORE&#x27;] is False" in client.get("/perfkit/").content.decode()
    assert client.get("/perfkit/captures/plain/").status_code == 404
    assert client.get("/perfkit/requests/1/").status_code == 404
    answer = post(client, "/perfkit/start/", path="/x/")
    assert (answer.status_code, "captures need a store" in answer.content.decode()) == (400, True)


def test_an_empty_store_is_an_empty_list(client: Client, settings: Any, tmp_path: Any) -> None:
    """Before the first request there is no file; that is no error."""
    settings.PERFKIT = {
        "STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "none")}
    }
    text = client.get("/perfkit/").content.decode()
    assert "None yet" in text


def test_a_damaged_store_is_told(client: Client, settings: Any, tmp_path: Any) -> None:
    """The list opens and says what is wrong with it."""
    file = tmp_path / "damaged"
    file.write_bytes(b"no database" * 1_000)
    settings.PERFKIT = {"STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}}
    assert "The store cannot be read" in client.get("/perfkit/").content.decode()
