"""What a site must have set up for the panels to show anything: told by ``manage.py check``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import debug_toolbar
from debug_toolbar import settings as toolbar_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from perfkit.checks.middleware import MIDDLEWARE, TOOLBAR
from perfkit.conf import configured_middleware, site_setting

#: The first toolbar whose panels are stored as JSON and may be async.
OLDEST: Final = 6
DATABASE_STORE: Final = "debug_toolbar.store.DatabaseStore"


def problems() -> Iterator[CheckMessage]:
    """Yield what keeps the panels from working."""
    version = str(debug_toolbar.VERSION)
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < OLDEST:
        yield Error(
            f"perfkit's panels are listed, but django-debug-toolbar is {version}, and they need "
            f"{OLDEST}.0 or later.",
            hint="pip install --upgrade 'perfkit[toolbar]', or take them out of "
            "DEBUG_TOOLBAR_PANELS.",
            id="perfkit.E007",
        )
        return
    if MIDDLEWARE not in configured_middleware():
        yield CheckWarning(
            f"perfkit's panels are listed, but {MIDDLEWARE} is not in MIDDLEWARE: they have "
            "nothing to show.",
            hint=f"Put {MIDDLEWARE!r} directly below {TOOLBAR!r}.",
            id="perfkit.W016",
        )
    store = toolbar_settings.get_config().get("TOOLBAR_STORE_CLASS")
    if store == DATABASE_STORE and site_setting("ASGI_APPLICATION"):
        yield CheckWarning(
            "The toolbar stores in the database, and the site runs under ASGI: there the toolbar "
            "itself answers every page with an error, SynchronousOnlyOperation.",
            hint="Under ASGI set DEBUG_TOOLBAR_CONFIG['TOOLBAR_STORE_CLASS'] to "
            "'debug_toolbar.store.MemoryStore' or 'debug_toolbar.store.CacheStore'.",
            id="perfkit.W017",
        )
