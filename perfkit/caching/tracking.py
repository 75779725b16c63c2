"""Query parameters by which visitors are followed, and which no view looks at."""

from __future__ import annotations

from typing import Final

#: Query parameters by which visitors are followed, and which no view looks at: the prior of the
#: reference; whether a parameter makes a difference on this site is measured besides.
TRACKING: Final = frozenset(
    (
        "_ga",
        "_gl",
        "dclid",
        "fbclid",
        "gbraid",
        "gclid",
        "gclsrc",
        "igshid",
        "mc_cid",
        "mc_eid",
        "msclkid",
        "ref",
        "srsltid",
        "ttclid",
        "twclid",
        "wbraid",
        "yclid",
    )
)


def is_tracking(name: str) -> bool:
    """Tell whether a parameter is one of these."""
    return name in TRACKING or name.startswith("utm_")
