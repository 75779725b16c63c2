"""The orders that this process knows of; a request looks only whether there are any."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from perfkit.isolation import report_failure
from perfkit.metrics.route import route_label
from perfkit.profiling.capture import Order

#: The open orders by their id: empty, but while somebody waits for captures.
OPEN: dict[str, Order] = {}

#: Captures that this process has begun for an order and not given up.
_begun: Counter[str] = Counter()


def add(order: Order) -> None:
    """Know of an order that was made in this process; the others learn of it from the store."""
    OPEN[order.id] = order


def drop(order_id: str) -> None:
    """Forget an order: it is filled, was canceled or has expired."""
    OPEN.pop(order_id, None)
    _begun.pop(order_id, None)


def know(orders: Iterable[Order]) -> None:
    """Replace what is known by what the store says."""
    told = {order.id: order for order in orders}
    for gone in set(OPEN) - set(told):
        drop(gone)
    for order in told.values():
        if order.id in OPEN:
            # Of those that are filled by now this process has written some.
            _begun[order.id] -= max(order.taken - OPEN[order.id].taken, 0)
        OPEN[order.id] = order


def wanted(request: HttpRequest) -> Order | None:
    """Return the order that a request may be for; its route is looked up where one is asked for.

    Args:
        request: of which nothing but method and path is read.
    """
    now = time.time()
    route: str | None = None
    # The least demanding first: what is slow enough for another one is so for it too.
    for order in sorted(OPEN.values(), key=lambda each: each.slower_ms):
        if order.expires <= now:
            drop(order.id)
            continue
        if order.method and order.method != request.method:
            continue
        if not order.slower_ms and _begun[order.id] >= order.count - order.taken:
            continue
        if order.route:
            route = _route_of(request) if route is None else route
            if route != order.route:
                continue
        return order
    return None


def begin(order: Order) -> None:
    """Note that a capture for an order was begun."""
    _begun[order.id] += 1


def give_up(order: Order) -> None:
    """Note that a capture for an order came to nothing: another request may be it."""
    if _begun[order.id] > 0:
        _begun[order.id] -= 1


def fits(order: Order, route: str, duration_ms: float) -> bool:
    """Tell whether a request that has ended is what an order is for."""
    return (not order.route or order.route == route) and duration_ms > order.slower_ms


def _route_of(request: HttpRequest) -> str:
    try:
        return route_label(resolve(request.path_info), 200)
    except Resolver404:
        return ""
    except Exception as error:  # noqa: BLE001  # the site's URLconf may do anything; Django will tell
        report_failure("orders", error)
        return ""
