"""What the panels have in common: an error of ours is a line in the panel, and never a failed page."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import isawaitable
from typing import Any, ClassVar

from debug_toolbar.panels import Panel
from debug_toolbar.toolbar import DebugToolbar
from django.core.checks import CheckMessage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _

from perfkit.isolation import isolated
from perfkit_panels import phases
from perfkit_panels.account import Account, NotObserved, watch_of
from perfkit_panels.assets import SCRIPT, STYLE, address
from perfkit_panels.rendering import rendered
from perfkit_panels.set_up import problems
from perfkit_panels.views import shared_urls

#: What a panel stores of a request that it could not make anything of.
FAILED = "perfkit: the request could not be analyzed; see the log"


class GuardedPanel(Panel):
    """A panel that stores plain JSON and shows nothing else; each of perfkit's is one.

    Attributes:
        template: its file, in ``templates/perfkit_panels``.
    """

    is_async = True
    template: ClassVar[str]

    def stats(self, account: Account) -> dict[str, Any]:
        """Return what is stored of a request: plain JSON, small.

        Args:
            account: the request.
        """
        raise NotImplementedError

    def subtitle(self, stats: dict[str, Any]) -> str:
        """Return the line below the panel's name.

        Args:
            stats: as stored.
        """
        raise NotImplementedError

    def context(self, stats: dict[str, Any]) -> dict[str, Any]:
        """Return what the template shows; called when somebody opens the panel.

        Args:
            stats: as stored.
        """
        return stats

    @classmethod
    def urls(cls) -> list[URLPattern]:
        """Return the addresses of this panel's own views."""
        return []

    @property
    def nav_subtitle(self) -> str:
        """Say the most important thing in one line; from stored stats only."""
        with isolated(f"panel {self.panel_id}"):
            stats = self.get_stats()
            return _("nothing known") if stats.get("problem") else self.subtitle(stats)
        return ""

    @property
    def content(self) -> str:
        """Render the stored stats."""
        with isolated(f"panel {self.panel_id}"):
            stats = self.get_stats()
            given = stats if stats.get("problem") else self.context(stats)
            base = {"style": address(STYLE), "request_id": self.toolbar.request_id}
            template = "problem.html" if stats.get("problem") else self.template
            return rendered(template, {**given, **base})
        return "<p>perfkit: the panel could not be rendered; see the log</p>"

    @property
    def scripts(self) -> list[str]:
        """Return the module that serves what is clicked in any of the panels."""
        with isolated(f"panel {self.panel_id}"):
            return [address(SCRIPT)]
        return []

    @classmethod
    def ready(cls) -> None:
        """Put the hooks in that time views and templates."""
        with isolated("phases"):
            phases.install()

    @classmethod
    def get_urls(cls) -> list[URLPattern]:
        """Return the addresses of this panel, and with the first one those of all."""
        return [*(shared_urls() if cls._is_first() else ()), *cls.urls()]

    @classmethod
    def run_checks(cls) -> list[CheckMessage]:
        """Check what all panels need, once."""
        return list(problems()) if cls._is_first() else []

    @classmethod
    def _is_first(cls) -> bool:
        listed: Iterable[type] = DebugToolbar.get_panel_classes() or ()
        return next((each for each in listed if issubclass(each, GuardedPanel)), None) is cls

    def process_request(self, request: HttpRequest) -> Any:
        """Pass the request on, and look on while it is answered; the outermost panel does for all."""
        watch = watch_of(self.toolbar)
        if watch.is_on:
            return super().process_request(request)
        watch.begin()
        answer = None
        try:
            answer = super().process_request(request)
        finally:
            if not isawaitable(answer):
                watch.end()
        return self._awaited(answer) if isawaitable(answer) else answer

    async def _awaited(self, answer: Any) -> Any:
        try:
            return await answer
        finally:
            watch_of(self.toolbar).end()

    def generate_stats(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Store what is known of the request, and of a streamed one once more when it has been sent."""
        with isolated(f"panel {self.panel_id}"):
            self._store(request, response)
            if response.streaming:
                # The server closes a response; perfkit's own closer, which ends the record, is first.
                closers: Any = response._resource_closers  # type: ignore[attr-defined]  # no public way
                closers.append(lambda: self._store_whole(request, response))

    def _store_whole(self, request: HttpRequest, response: HttpResponseBase) -> None:
        with isolated(f"panel {self.panel_id}"):
            self._store(request, response)

    def _store(self, request: HttpRequest, response: HttpResponseBase) -> None:
        self.record_stats(self._stats(request, response))

    def _stats(self, request: HttpRequest, response: HttpResponseBase) -> dict[str, Any]:
        with isolated(f"panel {self.panel_id}"):
            try:
                return self.stats(watch_of(self.toolbar).account(request, response))
            except NotObserved as error:
                return {"problem": str(error)}
        return {"problem": FAILED}
