"""The pages' own Content-Security-Policy, and a site's that holds in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from tests.views.tags import Tags

PAGES = ("/perfkit/", "/perfkit/captures/plain/", "/perfkit/captures/counted/", "/perfkit/diff/plain/mended/", "/perfkit/requests/1/")  # fmt: skip


def site_nonce(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Do what a site's CSP middleware does: a nonce on the request, a header on the answer."""

    def answer(request: HttpRequest) -> HttpResponse:
        vars(request)["csp_nonce"] = "of-the-site"
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", "script-src 'nonce-of-the-site'")
        return response

    return answer


@pytest.mark.parametrize("url", PAGES)
def test_a_page_runs_its_own_scripts_alone(client: Client, url: str) -> None:
    """Scripts and styles come by a nonce that is new each time; nothing is inline."""
    answer, again = client.get(url), client.get(url)
    rules = dict(rule.split(" ", 1) for rule in answer["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"]
    nonce = rules["script-src"].removeprefix("'nonce-").removesuffix("'")
    assert nonce not in again["Content-Security-Policy"]
    text = answer.content.decode()
    scripts = re.findall(r"<script[^>]*>", text)
    assert len(scripts) > 2
    for tag in (*scripts, *re.findall(r'<link rel="stylesheet"[^>]*>', text)):
        assert f'nonce="{nonce}"' in tag or 'type="application/json"' in tag
        assert "http" not in tag
    seen = Tags(text)
    assert not {"style", "base", "object", "iframe"} & set(seen.tags)
    assert not [name for name in seen.attributes if name == "style" or name.startswith("on")]


def test_a_sites_policy_holds(client: Client, settings: Any) -> None:
    """Where the site gives nonces, our tags bear them and its header stays alone."""
    settings.MIDDLEWARE = ["tests.views.test_policy.site_nonce", *settings.MIDDLEWARE]
    answer = client.get("/perfkit/captures/plain/")
    assert answer["Content-Security-Policy"] == "script-src 'nonce-of-the-site'"
    tags = re.findall(r"<script[^>]*>|<link rel=\"stylesheet\"[^>]*>", answer.content.decode())
    assert all('nonce="of-the-site"' in tag for tag in tags if "application/json" not in tag)
