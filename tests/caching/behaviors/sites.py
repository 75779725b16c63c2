"""The sites whose pages are judged: their middleware, their settings, and what visitors bring along."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import timezone

from tests.caching.behaviors.world import Visitor
from tests.caching.site import LOCALE, SESSIONS, USUAL

ZONES = ("UTC", "Europe/Vienna", "Asia/Tokyo")


class ZoneMiddleware:
    """Activates the time zone of a cookie, before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        with timezone.override(request.COOKIES.get("tz", "UTC")):
            return self.get_response(request)


class PolicyMiddleware:
    """Makes a nonce for each request, as Django's own does from 6.0 on."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        request.csp = secrets.token_urlsafe(16)  # type: ignore[attr-defined]  # what it is for
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = f"script-src 'nonce-{request.csp}'"  # type: ignore[attr-defined]  # as above
        return response


@dataclass(frozen=True)
class SiteKind:
    """A site.

    Attributes:
        middleware: below perfkit's.
        settings: of the site.
        equip: gives a visitor what he brings along.
        people: how many visitors it has.
    """

    middleware: Sequence[str] = USUAL
    settings: dict[str, Any] = field(default_factory=dict)
    equip: Callable[[Random, Visitor], None] = lambda rng, visitor: None
    people: int = 60


def _with_shop_cookies(rng: Random, visitor: Visitor) -> None:
    visitor.cookies |= {"cur": rng.choice(("EUR", "USD", "JPY")), "ab": rng.choice("ab")}


def _with_cart(rng: Random, visitor: Visitor) -> None:
    if visitor.is_anonymous:
        session = SessionStore()
        session["cart"] = visitor.number
        session.create()
        visitor.cookies["sessionid"] = session.session_key or ""


def _with_zone(rng: Random, visitor: Visitor) -> None:
    visitor.cookies["tz"] = rng.choice(ZONES)


def _with_language(rng: Random, visitor: Visitor) -> None:
    visitor.headers["HTTP_ACCEPT_LANGUAGE"] = rng.choice(("de", "en", "fr"))


HERE = __name__
SITES = {
    "usual": SiteKind(),
    "crowd": SiteKind(people=200),
    "days": SiteKind(),
    "rush": SiteKind(),
    "shops": SiteKind(equip=_with_shop_cookies),
    "carts": SiteKind(equip=_with_cart),
    "zones": SiteKind((*USUAL, f"{HERE}.ZoneMiddleware"), equip=_with_zone),
    "languages": SiteKind((SESSIONS, LOCALE, *USUAL[1:]), {"USE_I18N": True}, _with_language),
    "tongues": SiteKind(),
    "saving": SiteKind(settings={"SESSION_SAVE_EVERY_REQUEST": True}),
    "policies": SiteKind((*USUAL, f"{HERE}.PolicyMiddleware")),
    "gzip": SiteKind(("django.middleware.gzip.GZipMiddleware", *USUAL)),
}
