"""The capture pages: ``path("perfkit/", include("perfkit.urls"))`` in the site's URLconf."""

from __future__ import annotations

from django.urls import path

from perfkit.views.assets import asset
from perfkit.views.capture import capture, delete, export
from perfkit.views.difference import chosen, difference
from perfkit.views.kept import kept
from perfkit.views.listing import captures
from perfkit.views.starting import cancel, order, start

app_name = "perfkit"

urlpatterns = [
    path("", captures, name="captures"),
    path("start/", start, name="start"),
    path("orders/", order, name="order"),
    path("orders/<str:id>/cancel/", cancel, name="cancel"),
    path("captures/<str:id>/", capture, name="capture"),
    path("captures/<str:id>/delete/", delete, name="delete"),
    path("captures/<str:id>/export/<str:form>/", export, name="export"),
    path("diff/", chosen, name="chosen"),
    path("diff/<str:before>/<str:after>/", difference, name="difference"),
    path("requests/<int:id>/", kept, name="kept"),
    path("assets/<str:version>/<path:name>", asset, name="asset"),
]
