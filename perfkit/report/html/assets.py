"""Scripts, styles and data to stand in a page, and the policy that lets a browser run these alone.

A page that is opened from disk has no headers, so its policy is in a ``<meta>``: it names each script
and style by the SHA-256 of its text, and neither ``'unsafe-inline'`` nor an address.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.utils.safestring import SafeString, mark_safe

STATIC: Final = Path(__file__).resolve().parents[2] / "static" / "perfkit"

#: In JSON these can only stand in strings, where the escape means the same; in a page they could end it.
_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A script or style of ours.

    Attributes:
        text: what it holds, ASCII only.
        hash: its source expression in a policy, with the quotes.
        is_module: whether a script has its names to itself.
    """

    text: SafeString
    hash: str
    is_module: bool = True


def asset(name: str, *, is_module: bool = True) -> Asset:
    """Read a file of ``perfkit/static/perfkit``.

    Args:
        name: from that folder.
        is_module: False for a script whose names the others shall see.

    Raises:
        ValueError: it could not stand in a page as it is.
    """
    text = (STATIC / name).read_text("utf-8")
    # The report is written in ASCII: in a terminal's encoding its hash would be another.
    if not text.isascii() or "</s" in text.lower() or "<!--" in text:
        raise ValueError(f"{name} cannot stand in a page: it must be ASCII, without </s and <!--.")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    # Files of ours, checked above: nothing that a site stores gets into them.
    return Asset(mark_safe(text), f"'sha256-{digest}'", is_module)


def policy(scripts: Iterable[Asset], styles: Iterable[Asset]) -> str:
    """Return the Content-Security-Policy of a page with these scripts and styles and nothing else."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(each.hash for each in scripts),
        "style-src": " ".join(each.hash for each in styles),
        "img-src": "data:",  # the page's icon
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def embedded(data: Any) -> SafeString:
    """Write data as JSON that nothing in it can break out of, for a ``<script type="application/json">``."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII: U+2028 is escaped too
    # Every character that HTML could read as markup is an escape now.
    return mark_safe(text.translate(_ESCAPES))


def in_ascii(page: str) -> str:
    """Write a page so that any encoding of a terminal or a file leaves it as it is."""
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")
