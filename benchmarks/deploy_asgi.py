"""The site as an attribute, for servers that take no factory."""

from __future__ import annotations

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

site = get_asgi_application()
wsgi = get_wsgi_application()
