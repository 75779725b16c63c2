"""The system checks: settings that are wrong, and set-ups that do less than they seem to."""

from __future__ import annotations

from collections.abc import Callable

from django.core.checks import CheckMessage, Tags, register

from perfkit.checks.admin_forms import check_admin_forms
from perfkit.checks.admin_lists import check_admin_lists
from perfkit.checks.captures import check_captures
from perfkit.checks.deployment import (
    check_caches,
    check_connections,
    check_sessions,
    check_templates,
)
from perfkit.checks.fit import check_fit
from perfkit.checks.middleware import check_middleware, check_order
from perfkit.checks.settings import check_analyzers, check_ignore, check_settings
from perfkit.checks.sinks import check_statsd, check_store, check_store_file
from perfkit.checks.uwsgi import check_uwsgi

#: Every check's id and what it says, in one table; ``docs/settings.rst`` lists the same.
IDS = {
    "perfkit.E001": "PERFKIT is not a dict",
    "perfkit.E002": "PERFKIT has an unknown key",
    "perfkit.E003": "PERFKIT has a value that is not allowed",
    "perfkit.E004": "an analyzer cannot be imported",
    "perfkit.E005": "STORE names a database that this version cannot use",
    "perfkit.E006": "IGNORE has a rule that cannot be used",
    "perfkit.E007": "the toolbar is too old for the panels",
    "perfkit.W001": "the middleware is not listed",
    "perfkit.W002": "the middleware is listed twice",
    "perfkit.W003": "STATSD names a host that does not resolve",
    "perfkit.W004": "the toolbar's middleware stands below perfkit's",
    "perfkit.W005": "a hook does not fit the running Django",
    "perfkit.W006": "other middleware stands above perfkit's",
    "perfkit.W007": "the store is on a network file system",
    "perfkit.W008": "others on the machine can read the store",
    "perfkit.W009": "each request opens a database connection of its own",
    "perfkit.W010": "templates are compiled for each request",
    "perfkit.W011": "each request reads its session from the database",
    "perfkit.W012": "each worker has a cache of its own",
    "perfkit.W013": "uWSGI runs no Python threads",
    "perfkit.W014": "a column of the admin's list costs a statement a row",
    "perfkit.W015": "a form of the admin lists every row of a large table",
    "perfkit.W016": "the toolbar's panels are listed without the middleware",
    "perfkit.W017": "the toolbar stores in the database under ASGI",
    "perfkit.W018": "the capture pages are there, and no capture can be made or seen",
}

#: Run by every ``manage.py check``.
CHECKS: tuple[Callable[..., list[CheckMessage]], ...] = (
    check_settings,
    check_ignore,
    check_analyzers,
    check_store,
    check_store_file,
    check_statsd,
    check_middleware,
    check_order,
    check_fit,
    check_captures,
    check_admin_lists,
)
#: Run by ``manage.py check --deploy`` only: on a developer's machine they are as they should be.
DEPLOY_CHECKS: tuple[Callable[..., list[CheckMessage]], ...] = (
    check_connections,
    check_templates,
    check_sessions,
    check_caches,
    check_uwsgi,
)
#: Run by ``manage.py check --database default``: Django's word for checks that ask a database.
DATABASE_CHECKS: tuple[Callable[..., list[CheckMessage]], ...] = (check_admin_forms,)


def register_all() -> None:
    """Register every check under the tag ``perfkit``."""
    for check in CHECKS:
        register(check, "perfkit")
    for check in DEPLOY_CHECKS:
        register(check, "perfkit", deploy=True)
    for check in DATABASE_CHECKS:
        # Under this tag only: from Django 6.1 on any other one that is asked for gets a database.
        register(check, Tags.database)
