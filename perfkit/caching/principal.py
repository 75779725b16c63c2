"""Who asked: told apart by a keyed hash, and put into the audience whose answers may be shared."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from perfkit.caching.event import ANONYMOUS, STAFF, SUPERUSER, UNKNOWN, USER
from perfkit.caching.fingerprint import Fingerprint
from perfkit.capture.answer import Candidate

#: Principals whose audience is remembered, the latest.
_REMEMBERED: Final = 10_000


class Principals:
    """Hashes who asks, and remembers who was logged in.

    Args:
        hashes: the site's.
        session_cookie: the name of the session's cookie.
    """

    def __init__(self, hashes: Fingerprint, session_cookie: str) -> None:
        self._hashes = hashes
        self.session_cookie = session_cookie
        self._known: OrderedDict[int, int] = OrderedDict()

    def principal(self, candidate: Candidate, cookies: dict[str, str]) -> tuple[int, int]:
        """Return a request's principal and audience.

        A session that the request did not look into does not tell whether somebody is logged in by
        it; then an earlier request of the same session may have told.
        """
        headers = candidate.headers
        session = cookies.get(self.session_cookie, "")
        authorization = headers.get("HTTP_AUTHORIZATION", "")
        if authorization:
            who = self._hashes.parts(("authorization", authorization))
        elif session:
            who = self._hashes.parts(("session", session))
        else:
            browser = (headers.get("REMOTE_ADDR", ""), headers.get("HTTP_X_FORWARDED_FOR", ""))
            who = self._hashes.parts(("browser", *browser, headers.get("HTTP_USER_AGENT", "")))
        audience = _audience(candidate)
        if audience == UNKNOWN:
            if not session and not authorization:
                return who, ANONYMOUS
            return who, self._known.get(who, UNKNOWN)
        self._known[who] = audience
        self._known.move_to_end(who)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return who, audience


def _audience(candidate: Candidate) -> int:
    user, session = candidate.user, candidate.session
    if user is not None:
        if not user.logged_in:
            return ANONYMOUS
        return SUPERUSER if user.superuser else STAFF if user.staff else USER
    if session is not None and session.user is not None:
        # The user's row was not read, so that the answer cannot hang on its being staff.
        return USER if session.user else ANONYMOUS
    return UNKNOWN


def cookies_of(header: str) -> dict[str, str]:
    """Split a ``Cookie`` header as browsers and Django do: the last of two equal names counts."""
    found = {}
    for part in header.split(";"):
        name, equals, value = part.strip().partition("=")
        if not equals:
            name, value = "", name
        if name or value:
            found[name.strip()] = value.strip()
    return found
