"""The peers, each set up as its own documentation's shortest production or development set-up."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any, ClassVar

from contender import Contender


class Peer(Contender):
    """A peer that is switched on by apps, middleware and a few settings."""

    is_peer: ClassVar[bool] = True
    apps: ClassVar[tuple[str, ...]] = ()
    middleware: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[dict[str, Any]] = {}

    def settings(self, folder: Path) -> dict[str, Any]:
        """Add the peer's apps, middleware and settings to those of bare Django."""
        bare = super().settings(folder)
        return (
            bare
            | {"INSTALLED_APPS": [*bare["INSTALLED_APPS"], *self.apps]}
            | {"MIDDLEWARE": list(self.middleware)}
            | self.options
        )


class Silk(Peer):
    """django-silk: one row per request and per statement, written before the response leaves."""

    name = "django-silk"
    what = "SilkyMiddleware, defaults (intercepts every request); its rows go to the in-memory site"
    packages = ("django-silk",)
    apps = ("silk",)
    middleware = ("silk.middleware.SilkyMiddleware",)

    def seen(self) -> str:
        """Count silk's own rows."""
        from silk.models import Request, SQLQuery

        requests, queries = Request.objects.count(), SQLQuery.objects.count()
        return f"{requests} requests, {queries} statements" if requests else ""

    def tidy(self) -> None:
        """Empty silk's tables (its own collection starts at 10,000 requests)."""
        from silk.models import Request, Response, SQLQuery

        for model in (SQLQuery, Response, Request):
            model.objects.all()._raw_delete(using="default")


class DebugToolbar(Peer):
    """django-debug-toolbar with its default panels, shown on every page."""

    name = "django-debug-toolbar"
    what = "default panels (SQL on), SHOW_TOOLBAR_CALLBACK true for every request, DEBUG off"
    packages = ("django-debug-toolbar",)
    apps = ("django.contrib.staticfiles", "debug_toolbar")
    middleware = ("debug_toolbar.middleware.DebugToolbarMiddleware",)
    options: ClassVar[dict[str, Any]] = {
        "STATIC_URL": "static/",
        "DEBUG_TOOLBAR_CONFIG": {"SHOW_TOOLBAR_CALLBACK": lambda request: True},
        "TEMPLATES": [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
    }

    def seen(self) -> str:
        """Read the newest request's SQL panel from the toolbar's store."""
        from debug_toolbar.store import get_store

        store = get_store()
        newest = list(store.request_ids())[-1:]
        queries = [len(store.panel(key, "SQLPanel").get("queries", ())) for key in newest]
        return f"{queries[0]} statements in the last request" if queries else ""


class Zeal(Peer):
    """django-zeal: an N+1 detector that warns."""

    name = "django-zeal"
    what = "zeal_middleware, ZEAL_RAISE False (it warns; raising would end the N+1 page)"
    packages = ("django-zeal",)
    apps = ("django.contrib.contenttypes", "zeal")  # Its ready() imports ContentType.
    middleware = ("zeal.middleware.zeal_middleware",)
    options: ClassVar[dict[str, Any]] = {"ZEAL_RAISE": False}
    warned = 0

    def after_setup(self) -> None:
        """Count the warnings instead of printing them, which would cost zeal more."""

        def count(*args: Any, **kwargs: Any) -> None:
            self.warned += 1

        warnings.showwarning = count

    def seen(self) -> str:
        """Say how many loads were warned about."""
        return f"{self.warned} warnings" if self.warned else ""

    def tidy(self) -> None:
        """Start counting again."""
        self.warned = 0


class NPlusOne(Peer):
    """nplusone, which was last released in 2018."""

    name = "nplusone"
    what = "NPlusOneMiddleware, NPLUSONE_LOG_LEVEL WARNING, a log handler that only counts"
    packages = ("nplusone",)
    apps = ("nplusone.ext.django",)
    middleware = ("nplusone.ext.django.NPlusOneMiddleware",)
    options: ClassVar[dict[str, Any]] = {"NPLUSONE_LOG_LEVEL": logging.WARNING}

    def after_setup(self) -> None:
        """Count its messages."""
        self.log = _Counting()
        logging.getLogger("nplusone").addHandler(self.log)

    def seen(self) -> str:
        """Say how many loads were logged."""
        return f"{self.log.messages} messages" if self.log.messages else ""

    def tidy(self) -> None:
        """Start counting again."""
        self.log.messages = 0


class _Counting(logging.Handler):
    messages = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.messages += 1


class Prometheus(Peer):
    """django-prometheus: request metrics and a database backend."""

    name = "django-prometheus"
    what = "Before and After middleware, its sqlite3 backend, one process, never scraped"
    packages = ("django-prometheus",)
    apps = ("django_prometheus",)
    middleware = (
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    )

    def settings(self, folder: Path) -> dict[str, Any]:
        """Use its database backend."""
        settings = super().settings(folder)
        settings["DATABASES"]["default"]["ENGINE"] = "django_prometheus.db.backends.sqlite3"
        return settings

    def seen(self) -> str:
        """Read its two counters."""
        from prometheus_client import REGISTRY

        labels = {"alias": "default", "vendor": "sqlite"}
        requests = REGISTRY.get_sample_value("django_http_requests_before_middlewares_total")
        queries = REGISTRY.get_sample_value("django_db_execute_total", labels)
        return f"{requests:.0f} requests, {queries or 0:.0f} statements" if requests else ""
