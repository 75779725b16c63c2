"""Names the route of a request that a cache around the whole site answered before a view was looked for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from django.urls import Resolver404, resolve
from django.utils import translation

from perfkit.capture.answer import Candidate

#: Patterns whose label is remembered, the latest.
_REMEMBERED: Final = 4_096


class Labels:
    """Learns from requests that reached a view which label a URL pattern has in the report."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def learn(self, pattern: str, label: str) -> None:
        """Remember the label of a pattern."""
        if pattern and self._known.get(pattern) != label:
            self._known[pattern] = label
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def of(self, candidate: Candidate) -> str | None:
        """Return the label of what a request asked for; None for a pattern that no view was reached by yet.

        The URLconf is asked here, in the background: the request itself never did.
        """
        language = candidate.inner.language if candidate.inner is not None else ""
        try:
            with translation.override(language or None):
                match = resolve(candidate.path_info, candidate.urlconf)
        except Resolver404:
            return None
        return self._known.get(match.route or "")
