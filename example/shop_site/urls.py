"""Routes of the example project: the admin, static files and the shop."""

from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    # Enough for an example: static files straight from the apps, with DEBUG off and no collectstatic.
    path("static/<path:path>", serve, {"insecure": True}),
    path("perfkit/", include("perfkit.urls")),
    path("", include("shop.urls")),
]

if "debug_toolbar" in settings.INSTALLED_APPS:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns += debug_toolbar_urls()
