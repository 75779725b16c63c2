"""The URLs that the admin's own pages link to."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import path

from tests.nplusone.models import Book

site = AdminSite(name="admin")
site.register(Book)

urlpatterns = [path("admin/", site.urls)]
