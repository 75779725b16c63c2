"""What a contender is: its packages, its Django settings, and the proof that it was at work."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar


class Contender:
    """Bare Django; each contender changes only what its documentation asks for.

    A worker process calls, in this order: ``settings``, ``before_setup`` (settings are there,
    apps are not), ``django.setup()``, ``after_setup``; after each burst ``settle`` and ``tidy``.
    """

    name: ClassVar[str] = "bare"
    what: ClassVar[str] = "Django alone, no middleware"
    packages: ClassVar[tuple[str, ...]] = ()
    is_peer: ClassVar[bool] = False

    def missing(self) -> list[str]:
        """Name the distributions which are not installed."""
        return [package for package in self.packages if not _version(package)]

    def versions(self) -> dict[str, str]:
        """Return the installed version of each distribution that is measured."""
        return {package: _version(package) for package in self.packages}

    def settings(self, folder: Path) -> dict[str, Any]:
        """Return the Django settings; ``folder`` is private to this process."""
        return {
            "BASE_DIR": folder,
            "SECRET_KEY": "made for this measurement",
            "ALLOWED_HOSTS": ["testserver"],
            "ROOT_URLCONF": "shelf.urls",
            "INSTALLED_APPS": ["shelf"],
            "MIDDLEWARE": [],
            "USE_TZ": True,
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "DATABASES": {
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    # Shared, as under ASGI every request opens a connection of its own.
                    "NAME": "file:shelf?mode=memory&cache=shared",
                }
            },
            "LOGGING_CONFIG": None,
        }

    def before_setup(self) -> None:
        """Do what the documentation asks for ahead of ``django.setup()``."""

    def after_setup(self) -> None:
        """Do what the documentation asks for once the apps are loaded."""

    def settle(self) -> None:
        """Do what a thread would do a moment later for these requests; its CPU time is measured."""

    def seen(self) -> str:
        """Say what the contender saw since the last ``tidy``; empty when it saw nothing."""
        return "nothing to see"

    def tidy(self) -> None:
        """Drop what the contender kept (not measured), so that its cost stays that of one page."""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
