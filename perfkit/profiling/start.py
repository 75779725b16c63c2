"""Starts captures from views: a token for a page, an order for a route; the caller has checked who asks.

Both count to one limit a minute and owner, and leave a line in the log ``perfkit.capture``.
"""

from __future__ import annotations

import logging
from time import time
from typing import Any

from django.db.utils import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from perfkit.conf import Settings, get_settings
from perfkit.errors import CaptureRefused, StoreError
from perfkit.profiling import awaited
from perfkit.profiling.capture import (
    CPROFILE,
    ENGINES,
    PYINSTRUMENT,
    ROUTE,
    SAMPLER,
    SLOWER,
    Order,
)
from perfkit.profiling.fitness import why_not
from perfkit.profiling.token import (
    COOKIE,
    LIFE_S,
    LONGEST_PATH,
    Ticket,
    brief,
    new_id,
    session_hash,
    signed,
)
from perfkit.store import captures
from perfkit.store.nonces import MOST_A_MINUTE

logger = logging.getLogger("perfkit.capture")

PERMISSION = "perfkit.capture_profile"

#: Captures that one order may ask for, and how long it waits for them, in seconds.
MOST_ORDERED = 50
ORDER_S = 600.0
LONGEST_ORDER_S = 86_400.0

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def is_allowed(user: Any) -> bool:
    """Tell whether a user may make and see captures; to others the pages do not exist."""
    return bool(
        getattr(user, "is_active", False)
        and getattr(user, "is_staff", False)
        and user.has_perm(PERMISSION)
    )


def page_token(
    request: HttpRequest, *, owner: str, path: str, method: str = "GET", engine: str = SAMPLER
) -> str:
    """Return a token for the next request of this session to a path.

    Args:
        request: that asks for it, by POST, of a user who is allowed to.
        owner: key of that user, as text.
        path: from ``/`` on, without a query string; with ``*`` at its end all that begin with it.
        method: of the request to capture.
        engine: one of ``ENGINES``.

    Raises:
        CaptureRefused: there is no store, the engine cannot run, or too many were asked for.
    """
    settings = _ready(engine)
    if not path.startswith("/") or len(path) > LONGEST_PATH or not path.isprintable():
        raise CaptureRefused(
            f"the path {path[:80]!r} is none: give it from / on, up to {LONGEST_PATH} letters"
        )
    if method not in _METHODS:
        raise CaptureRefused(f"the method {method[:20]!r} is none of {', '.join(_METHODS)}")
    session = session_hash(request.META.get("HTTP_COOKIE", ""))
    ticket = Ticket(new_id(), owner, session, method, path.partition("?")[0], engine)
    _issue(settings, ticket.nonce, owner)
    logger.info(
        "capture %s asked for by user %s: %s %s with %s",
        brief(ticket.nonce),
        owner,
        method,
        ticket.path,
        engine,
    )
    return signed(ticket)


def set_cookie(response: HttpResponseBase, request: HttpRequest, token: str) -> None:
    """Give a token to the browser, for as long as it lives, out of reach of scripts and other sites."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LIFE_S,
        path="/",
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )


def place_order(
    *,
    owner: str,
    route: str = "",
    method: str = "",
    engine: str = SAMPLER,
    slower_ms: float = 0.0,
    count: int = 1,
    seconds: float = ORDER_S,
) -> Order:
    """Order captures of the next requests of a route, or of the next that take longer than so long.

    Args:
        owner: key of the user who orders, as text.
        route: its label, as reports name it; may be ``""`` with ``slower_ms``.
        method: ``""`` for any.
        engine: the sampler or pyinstrument; cProfile would slow visitors down.
        slower_ms: milliseconds; 0.0 for the next requests however long they take.
        count: captures wanted.
        seconds: after which no more are made.

    Raises:
        CaptureRefused: there is no store, the engine cannot run, a value is not allowed, or too many
            orders are open.
    """
    settings = _ready(engine)
    if engine == CPROFILE:
        raise CaptureRefused(
            f"{CPROFILE} slows visitors down several times: order with {SAMPLER} or {PYINSTRUMENT}"
        )
    if not route and slower_ms <= 0:
        raise CaptureRefused(
            "an order needs a route, or milliseconds that it must take longer than"
        )
    if not 0 < count <= MOST_ORDERED or not 0 <= slower_ms < 1e9:
        raise CaptureRefused(
            f"{count!r} captures slower than {slower_ms!r} ms: an order is for 1 to {MOST_ORDERED}"
        )
    if method and method not in _METHODS:
        raise CaptureRefused(f"the method {method[:20]!r} is none of {', '.join(_METHODS)}")
    now = time()
    order = Order(
        new_id(), owner, SLOWER if slower_ms > 0 else ROUTE, route, method, engine,
        float(slower_ms), int(count), 0, now + min(max(seconds, 1.0), LONGEST_ORDER_S),
    )  # fmt: skip
    _issue(settings, order.id, owner)
    try:
        added = captures.add_order(settings.store or {}, order, now)
    except (DatabaseError, StoreError, OSError) as error:
        raise CaptureRefused("the store cannot be written: see the log") from error
    if not added:
        raise CaptureRefused("too many orders are open: cancel one, or wait until one expires")
    awaited.add(order)
    logger.info(
        "captures %s ordered by user %s: %d of %s %r slower than %g ms with %s",
        order.id[:8], owner, count, method or "any method of", route or "any route", slower_ms, engine,
    )  # fmt: skip
    return order


def cancel(order_id: str, owner: str | None) -> bool:
    """Cancel an order of an owner's; other workers learn of it within seconds.

    Args:
        order_id: of the order.
        owner: who asks; None for whoever may cancel everybody's.

    Raises:
        CaptureRefused: there is no store.
    """
    settings = _ready(SAMPLER)
    canceled = captures.cancel_order(settings.store or {}, order_id, owner)
    if canceled:
        awaited.drop(order_id)
    return canceled


def _ready(engine: str) -> Settings:
    """Return the settings; refuse where no capture could be made."""
    if engine not in ENGINES:
        raise CaptureRefused(f"the engine {engine[:20]!r} is none of {', '.join(ENGINES)}")
    settings = get_settings()
    if settings.store is None:
        raise CaptureRefused("PERFKIT['STORE'] is False: captures need a store")
    if not settings.captures:
        raise CaptureRefused("PERFKIT['CAPTURES'] is 0: none is kept")
    if reason := why_not(engine):
        raise CaptureRefused(reason)
    return settings


def _issue(settings: Settings, nonce: str, owner: str) -> None:
    try:
        issued = captures.issue(settings.store or {}, nonce, owner, time())
    except (DatabaseError, StoreError, OSError) as error:
        logger.warning("no capture for user %s: the store cannot be written (%s)", owner, error)
        raise CaptureRefused("the store cannot be written: see the log") from error
    if not issued:
        raise CaptureRefused(f"{MOST_A_MINUTE} a minute are enough: try again in a minute")
