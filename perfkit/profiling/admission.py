"""Decides whether a request is captured: for the bearer of a token, or for an order."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest

from perfkit.conf import Settings
from perfkit.errors import CaptureRefused
from perfkit.observation import Observation
from perfkit.profiling import awaited
from perfkit.profiling.capture import PAGE, Order
from perfkit.profiling.running import RunningCapture
from perfkit.profiling.token import Ticket, brief, ticket_of

logger = logging.getLogger("perfkit.capture")

#: Nonces that this process has seen spent: a token that comes again costs no look into the store.
_spent: dict[str, None] = {}
_MOST_SPENT = 1_000


def asked_for(request: HttpRequest) -> Ticket | Order | None:
    """Return why a request may be captured; None for all but a few.

    Args:
        request: that bears a token, or comes while orders are open.
    """
    ticket = ticket_of(request.META, request.method, request.path)
    if ticket is not None and ticket.nonce not in _spent:
        return ticket
    return awaited.wanted(request) if awaited.OPEN else None


def refusal_of(settings: Settings) -> str:
    """Tell why no capture at all can be made; ``""`` when some can."""
    if settings.store is None:
        return "PERFKIT['STORE'] is False"
    return "" if settings.captures else "PERFKIT['CAPTURES'] is 0"


def is_first(ticket: Ticket, spend: Callable[[str], bool]) -> bool:
    """Spend a token's nonce; tell whether it was good.

    Args:
        ticket: what the token says.
        spend: does it in the store.
    """
    if len(_spent) >= _MOST_SPENT:
        _spent.clear()
    _spent[ticket.nonce] = None
    return spend(ticket.nonce)


def begun(
    asked: Ticket | Order,
    observation: Observation,
    settings: Settings,
    on_expiry: Callable[[], None],
) -> RunningCapture:
    """Begin the capture of a request; refused, it says so in ``refused``.

    Args:
        asked: why; a token's nonce is spent.
        observation: the request.
        settings: ``capture_shared`` is read.
        on_expiry: called, in another thread, when the request does not end.
    """
    if isinstance(asked, Ticket):
        path = observation.request.path if observation.request is not None else ""
        capture = RunningCapture(asked.engine, PAGE, asked.owner, path)
    else:
        capture = RunningCapture(asked.engine, asked.reason, asked.owner, "", asked)
    try:
        capture.begin(
            observation,
            shares_thread=observation.shares_thread,
            refuses_others=settings.capture_shared == "refuse",
            on_expiry=on_expiry,
        )
    except CaptureRefused as reason:
        capture.refused = str(reason)
    if isinstance(asked, Order) and not capture.refused:
        awaited.begin(asked)
    return capture


def refused(ticket: Ticket, reason: str) -> RunningCapture:
    """Return what stands for a capture that cannot be made."""
    capture = RunningCapture(ticket.engine, PAGE, ticket.owner)
    capture.refused = reason
    return capture


def log(ticket: Ticket, capture: RunningCapture) -> None:
    """Leave a line of what became of a token; of orders one is left when they are kept."""
    told = f"refused: {capture.refused}" if capture.refused else f"is {capture.id}"
    logger.info("capture %s of user %s %s", brief(ticket.nonce), ticket.owner, told)
