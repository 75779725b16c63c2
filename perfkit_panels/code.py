"""The code around the lines of a finding, read while the request is new: later it may be another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

from perfkit.acceptance.files import LARGEST_BYTES, locate, text_of
from perfkit.record import Site
from perfkit_panels.bounded import cut

#: Lines shown before and after those that a finding names.
AROUND: Final = 3
#: Lines this near are shown together.
NEAR: Final = 2 * AROUND
MOST_LINE: Final = 200


def excerpts(places: list[tuple[str, Site]]) -> Iterator[dict[str, Any]]:
    """Yield pieces of code, plain JSON: those near each other as one.

    Args:
        places: each line with what it has to do with the finding.
    """
    groups: list[list[tuple[str, Site]]] = []
    for role, site in places:
        group = next((each for each in groups if _is_near(site, each)), None)
        if group is None:
            groups.append([(role, site)])
        else:
            group.append((role, site))
    for group in groups:
        numbers = sorted({site.line for _, site in group})
        first = max(numbers[0] - AROUND, 1)
        found = lines_of(group[0][1].file)
        shown = dedent("\n".join(found[first - 1 : numbers[-1] + AROUND])).rstrip().split("\n")
        yield {
            "places": [[role, site.file, site.line, site.function] for role, site in group],
            "lines": [
                [number, cut(text, MOST_LINE), number in numbers]
                for number, text in enumerate(shown, first)
            ]
            if found
            else [],
        }


def _is_near(site: Site, group: list[tuple[str, Site]]) -> bool:
    return any(site.file == one.file and abs(site.line - one.line) <= NEAR for _, one in group)


def lines_of(file: str) -> list[str]:
    """Return the lines of a file as it is now; none where it cannot be read."""
    found = locate(file)
    if found is None or found[1].st_size > LARGEST_BYTES:
        return []
    path, info = found
    return _lines(path, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=64)
def _lines(path: Path, changed_ns: int, size: int) -> list[str]:
    try:
        return [line.expandtabs(4).rstrip() for line in text_of(path).splitlines()]
    except (OSError, SyntaxError, ValueError):
        return []
