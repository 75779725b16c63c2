"""The routes of the tests' site: the capture pages, and a page to capture."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def page(request: HttpRequest) -> HttpResponse:
    """Answer something."""
    return HttpResponse("<title>A page</title>")


urlpatterns = [
    path("perfkit/", include("perfkit.urls")),
    path("products/suppliers/", page),
]
