"""The token that starts a capture: signed, short-lived, for one request of one session.

It is looked for in each request's raw headers, and read only where it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

from django.core import signing
from django.http.cookie import parse_cookie
from django.utils.crypto import constant_time_compare, salted_hmac

from perfkit.conf import site_setting
from perfkit.profiling.capture import ENGINES

#: How a token comes: as a cookie, or as a header. The same header of the answer tells what became of it.
COOKIE: Final = "perfkit_capture"
HEADER: Final = "X-Perfkit-Capture"
_META: Final = "HTTP_X_PERFKIT_CAPTURE"

#: Seconds that a token lives.
LIFE_S: Final = 120

#: What a token's path may end in, to fit whatever begins with it.
ANY: Final = "*"

#: Letters of a token at most: with a path of that length it is still a cookie that browsers keep.
LONGEST_PATH: Final = 1_000
_LONGEST: Final = 3_000

_SALT: Final = "perfkit.capture"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a valid token says.

    Attributes:
        nonce: to be spent in the store; who spends it has the capture.
        owner: key of the user who started it, as text.
        session: hash of that user's session cookie, ``""`` without a session.
        method: of the request that it is for.
        path: of it, or what it begins with before ``*``.
        engine: one of ``ENGINES``.
        by_cookie: whether it came as a cookie.
    """

    nonce: str
    owner: str
    session: str
    method: str
    path: str
    engine: str
    by_cookie: bool = False


def is_borne(meta: Mapping[str, Any]) -> bool:
    """Tell whether a request may bear a token; all that other requests pay.

    Args:
        meta: of the request.
    """
    return _META in meta or COOKIE in meta.get("HTTP_COOKIE", "")


def new_id() -> str:
    """Return an unguessable name from a URL's alphabet."""
    return token_urlsafe(16)


def session_hash(raw_cookies: str) -> str:
    """Hash the session's cookie, keyed; ``""`` where there is none. No session is loaded.

    Args:
        raw_cookies: the ``Cookie`` header.
    """
    key = parse_cookie(raw_cookies).get(str(site_setting("SESSION_COOKIE_NAME")), "")
    return salted_hmac(_SALT, key, algorithm="sha256").hexdigest()[:32] if key else ""


def signed(ticket: Ticket) -> str:
    """Return a token that says the same as a ticket."""
    told = [ticket.nonce, ticket.owner, ticket.session, ticket.method, ticket.path, ticket.engine]
    return signing.dumps(told, salt=_SALT)


def ticket_of(meta: Mapping[str, Any], method: str | None, path: str) -> Ticket | None:
    """Read the token of a request; None unless it is genuine, young, and for this very request.

    Its nonce has still to be spent.

    Args:
        meta: of the request.
        method: of it.
        path: of it.
    """
    raw = str(meta.get("HTTP_COOKIE", ""))
    token, by_cookie = meta.get(_META), False
    if token is None:
        token, by_cookie = parse_cookie(raw).get(COOKIE), True
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST:
        return None
    try:
        told = signing.loads(token, salt=_SALT, max_age=LIFE_S)
        nonce, owner, session, allowed, pattern, engine = map(str, told)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    fits = (
        allowed == method
        and path_fits(pattern, path)
        and engine in ENGINES
        and (not session or constant_time_compare(session, session_hash(raw)))
    )
    return Ticket(nonce, owner, session, allowed, pattern, engine, by_cookie) if fits else None


def path_fits(pattern: str, path: str) -> bool:
    """Tell whether a path is the pattern, or begins with what stands before its ``*``."""
    return pattern == path or (pattern.endswith(ANY) and path.startswith(pattern[: -len(ANY)]))


def brief(nonce: str) -> str:
    """Name a token in a log, where the token itself would be good for a capture."""
    return sha256(nonce.encode()).hexdigest()[:8]
