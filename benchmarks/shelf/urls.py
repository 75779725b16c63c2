"""Routes of the four pages: ``/sync/<page>/`` for WSGI, ``/async/<page>/`` for ASGI."""

from __future__ import annotations

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path

from . import views
from .pages import FIFTY, N_PLUS_ONE, NONE, TEN

urlpatterns = [
    path(f"sync/{NONE.name}/", views.none),
    path(f"sync/{TEN.name}/", views.ask, {"count": TEN.statements}),
    path(f"sync/{FIFTY.name}/", views.ask, {"count": FIFTY.statements}),
    path(f"sync/{N_PLUS_ONE.name}/", views.walk),
    path(f"async/{NONE.name}/", views.anone),
    path(f"async/{TEN.name}/", views.aask, {"count": TEN.statements}),
    path(f"async/{FIFTY.name}/", views.aask, {"count": FIFTY.statements}),
    path(f"async/{N_PLUS_ONE.name}/", views.awalk),
]

# Two peers need pages of their own; they come last, where their documentation puts them.
for app, module, prefix in (
    ("silk", "silk.urls", "silk/"),
    ("debug_toolbar", "debug_toolbar.urls", "__debug__/"),
):
    if app in settings.INSTALLED_APPS and find_spec(module):
        urlpatterns.append(path(prefix, include(module)))
