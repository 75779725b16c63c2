"""Which options of a report go together, and which forms there are of what is not the plain report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfkit.report.window import BadOption

#: Forms of what is not the plain report.
_FORMATS_OF = {
    "stale": ("text",),
    "watch": ("text",),
    "compare": ("text", "json", "markdown", "html"),
    "explain": ("text", "json", "markdown"),
}
#: Options that exclude each other: the first of those given is told to go.
_APART = (
    ("since", "compare", "its windows say from when on"),
    ("stale", "compare", "it looks at one window"),
    ("explain", "compare", "it looks at one window"),
    ("explain", "stale", "it tells of one finding"),
    ("watch", "stale", "that changes with the code, not by itself"),
    ("watch", "explain", "watch the report instead"),
    ("watch", "write_baseline", "write it once"),
    ("watch", "fail_on", "it never ends by itself"),
)


def check_together(given: Mapping[str, Any], form: str) -> None:
    """Refuse options that exclude each other, and forms that there are not.

    Args:
        given: the options that were given, by name.
        form: the report's form.

    Raises:
        BadOption: two of them do not go together; the message says why.
    """
    for one, other, why in _APART:
        if one in given and other in given:
            raise BadOption(f"{_spelled(one)} does not go with {_spelled(other)}: {why}")
    for name, forms in _FORMATS_OF.items():
        if name in given and form not in forms:
            raise BadOption(f"{_spelled(name)} prints {' or '.join(forms)} only")
    for name in ("warning", "critical"):
        if name in given and form != "nagios":
            raise BadOption(f"{_spelled(name)} is for --format nagios")
    if form == "nagios" and "fail_on" in given:
        raise BadOption("--fail-on does not go with --format nagios: give --warning or --critical")


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"
