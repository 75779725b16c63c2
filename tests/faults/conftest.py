"""Real servers for what may go wrong around them."""

from __future__ import annotations

from tests.server.conftest import serve as serve
