"""The test site's root: empty, because a test that needs a view brings its own URLs."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
