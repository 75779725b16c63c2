"""perfkit changes nothing: every answer is the same with and without its middleware."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import transaction
from django.test import AsyncClient, Client
from shop.showcase import PAGES

PERFKIT = "perfkit.middleware.PerfkitMiddleware"
VISITORS = (None, "customer1", "admin")
# Each is new in every answer, with or without perfkit.
RANDOM = re.compile(r"(csrfmiddlewaretoken\" value=\"|csrftoken=|sessionid=)\w+")
# A signed cookie holds the second of its signing.
SIGNATURE = re.compile(r"(messages=[^:;]+):[^;]+")
DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")

READS = [
    *(("GET", page.url, None) for page in PAGES),
    ("HEAD", "/catalog/", None),
    ("HEAD", "/products/new/", None),
    ("HEAD", "/export/order-lines.csv", None),
    ("GET", "/products/1/", None),
    ("GET", "/login/", None),
    ("GET", "/products/999999/", None),
    ("GET", "/no-such-page/", None),
    ("GET", "/catalog", None),
    ("GET", "/static/shop/shop.css", None),
    ("GET", "/products/1/order/", None),
    ("OPTIONS", "/login/", None),
]
WRITES = [
    ("POST", "/login/", {"username": "customer1", "password": "customer"}),
    ("POST", "/login/", {"username": "customer1", "password": "wrong"}),
    ("POST", "/products/1/review/", {"stars": "5", "text": "Good."}),
    ("POST", "/products/1/review/", {"stars": "", "text": ""}),
    ("POST", "/products/1/order/", {"quantity": "1"}),
    ("POST", "/logout/", {}),
]


def masked(text):
    """Put a mark in the place of what is random or tells the time."""
    text = SIGNATURE.sub(r"\1:<signature>", RANDOM.sub(r"\1<random>", text))
    return DATE.sub("<date>", text)


def exchange(client, request):
    """Make a request and return all of the answer that a visitor or an outer layer could see."""
    method, path, form = request

    def send():
        return client.generic(method, path) if form is None else client.post(path, form)

    async def send_async():
        return await send()

    with transaction.atomic():
        is_async = isinstance(client, AsyncClient)
        response = async_to_sync(send_async)() if is_async else send()
        body = b"".join(response).decode()
        transaction.set_rollback(True)
    seen = response.asgi_request if is_async else response.wsgi_request
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "headers": [
            (name, "<seconds>" if name == "Age" else masked(value))
            for name, value in response.headers.items()
        ],
        "cookies": masked(response.cookies.output()),
        "body": masked(body),
        "streaming": response.streaming,
        "session": (seen.session.accessed, seen.session.modified),
        "user read": hasattr(seen, "_cached_user") or hasattr(seen, "_acached_user"),
    }


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("request_", [*READS, *WRITES], ids=lambda r: f"{r[0]} {r[1]}")
def test_answer_is_the_same_with_and_without_perfkit(kind, visitor, request_, log_in, settings):
    """Twice each, for what a cache changes: status, headers, cookies, body, session, user."""
    assert settings.MIDDLEWARE[0] == PERFKIT
    answers = []
    for middleware in (settings.MIDDLEWARE, settings.MIDDLEWARE[1:]):
        settings.MIDDLEWARE = middleware
        cache.clear()
        client = log_in(kind(), visitor)
        answers.append([exchange(client, request_) for _ in range(2)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_perfkit_was_there(kind, log_in, settings):
    """The comparison above compares something: asked to, the same middleware adds its header."""
    settings.PERFKIT = {**settings.PERFKIT, "SERVER_TIMING": "always"}
    headers = dict(exchange(log_in(kind(), None), ("GET", "/catalog/", None))["headers"])
    assert "Server-Timing" in headers
