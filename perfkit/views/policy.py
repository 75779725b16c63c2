"""The Content-Security-Policy of our pages: scripts and styles with the nonce, from nowhere else."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Final

from django.http import HttpRequest, HttpResponseBase

HEADER: Final = "Content-Security-Policy"

#: Where middleware keeps the nonce of a request: Django 6's own, django-csp's.
_NONCES: Final = ("_csp_nonce", "csp_nonce")


class Nonce:
    """The nonce of one answer.

    Attributes:
        text: for the ``nonce`` attribute of scripts and styles.
        is_sites: whether it is of the site's policy, which then holds in place of ours.
    """

    def __init__(self, request: HttpRequest) -> None:
        given = next(
            (nonce for name in _NONCES if (nonce := getattr(request, name, None)) is not None), None
        )
        self.is_sites = given is not None
        self.text = token_urlsafe(16) if given is None else str(given)

    def put(self, response: HttpResponseBase) -> None:
        """Set our policy, unless the site has one of its own."""
        if not self.is_sites:
            response.headers.setdefault(HEADER, self._policy())

    def _policy(self) -> str:
        rules = {
            "default-src": "'none'",
            # Modules that these import are loaded with the same nonce.
            "script-src": f"'nonce-{self.text}'",
            "style-src": f"'nonce-{self.text}'",
            "img-src": "'self'",  # the page's icon
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())
