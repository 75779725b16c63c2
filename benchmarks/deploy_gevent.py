"""gunicorn's settings where ``--preload`` meets gevent: Django must be imported after the patching."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()
