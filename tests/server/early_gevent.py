"""gunicorn's settings where ``--preload`` meets gevent: patch before Django is imported."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()
