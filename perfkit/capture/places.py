"""Whose code a source file is: the site's own, an installed package's, or the framework's."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from types import CodeType
from typing import Any

import django

#: A line: (code object, instruction offset); (template name, line) for a template; (class, what of
#: it) for a class of the site's own that a framework works for.
Place = tuple[CodeType | str | type, Any]


class Owner(IntEnum):
    """Who can edit a line, most useful to name first."""

    SITE = 0
    PACKAGE = 1
    FRAMEWORK = 2


#: Installed packages that stand between Django and a site's code without being either's: a line of
#: theirs never causes a query. Everything else that is installed is a PACKAGE.
PLUMBING = frozenset(
    (
        "_pytest",
        "anyio",
        "asgiref",
        "billiard",
        "cachalot",
        "celery",
        "ddtrace",
        "debug_toolbar",
        "django",
        "django_prometheus",
        "elasticapm",
        "execnet",
        "gevent",
        "greenlet",
        "gunicorn",
        "hypothesis",
        "kombu",
        "MySQLdb",
        "newrelic",
        "opentelemetry",
        "oracledb",
        "perfkit",
        "perfkit_panels",
        "pluggy",
        "psycopg",
        "psycopg2",
        "pytest",
        "pytest_asyncio",
        "pytest_django",
        "scout_apm",
        "sentry_sdk",
        "silk",
        "statsd",
        "uvicorn",
        "vine",
        "wrapt",
        "xdist",
        "zeal",
    )
)

_INSTALLED = ("site-packages", "dist-packages")
_FRAMEWORK_FOLDERS = (
    str(Path(django.__file__).parent) + os.sep,
    str(Path(__file__).parents[1]) + os.sep,
    str(Path(__file__).parents[2] / "perfkit_panels") + os.sep,
)
_STDLIB_FOLDERS = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_SCRIPTS_FOLDER = sysconfig.get_path("scripts") + os.sep

#: Parts of Django that work for classes of the site's own.
_HOST_FOLDERS = tuple(
    str(Path(django.__file__).parent.joinpath(*parts)) + os.sep
    for parts in (("contrib", "admin"), ("forms",), ("views",), ("core", "management"))
)

_hosts: dict[str, bool] = {}
_owners: dict[str, Owner] = {}
_user_folders: tuple[str, ...] = ()

#: A site that compiles code as it runs must not grow the table without end.
_MOST_FILES = 20_000


def set_user_folders(folders: Iterable[str]) -> None:
    """Count every file below these folders as the site's own, wherever they lie."""
    global _user_folders
    _user_folders = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)
    _owners.clear()
    _hosts.clear()


def owner_of(filename: str) -> Owner:
    """Tell whose file this is; a dict lookup from the second call on.

    Args:
        filename: as in ``code.co_filename`` or a template's origin.
    """
    owner = _owners.get(filename)
    if owner is None:
        if len(_owners) >= _MOST_FILES:
            _owners.clear()
        owner = _owners[filename] = _classify(filename)
    return owner


def is_host(filename: str) -> bool:
    """Tell whether code of this file works for classes of the site's own: a package, the admin, ..."""
    host = _hosts.get(filename)
    if host is None:
        if len(_hosts) >= _MOST_FILES:
            _hosts.clear()
        host = owner_of(filename) is Owner.PACKAGE or filename.startswith(_HOST_FOLDERS)
        _hosts[filename] = host
    return host


def _classify(filename: str) -> Owner:
    if filename.startswith("<"):  # frozen modules, exec'd text: no line to show
        return Owner.FRAMEWORK
    path = os.path.abspath(filename)
    if path.startswith(_user_folders):
        return Owner.SITE
    if path.startswith(_FRAMEWORK_FOLDERS):
        return Owner.FRAMEWORK
    parts = path.split(os.sep)
    for folder in _INSTALLED:
        if folder in parts:
            package = parts[parts.index(folder) + 1].removesuffix(".py")
            return Owner.FRAMEWORK if package in PLUMBING else Owner.PACKAGE
    if path.startswith(_STDLIB_FOLDERS):
        return Owner.FRAMEWORK
    if path.startswith(_SCRIPTS_FOLDER):
        return Owner.PACKAGE
    return Owner.SITE


def short_name(filename: str) -> str:
    """Name a file from the folder it is imported from, else from the working folder.

    The result holds no folder of one machine or one release, so that a finding's fingerprint
    stays the same between deploys.
    """
    path = os.path.abspath(filename)
    parts = path.split(os.sep)
    for folder in _INSTALLED:
        if folder in parts:
            return "/".join(parts[parts.index(folder) + 1 :])
    roots = [os.path.join(os.path.abspath(entry or os.curdir), "") for entry in ["", *sys.path]]
    inside = [root for root in roots if path.startswith(root) and root != os.sep]
    if inside:
        return path[len(max(inside, key=len)) :].replace(os.sep, "/")
    return path
