"""The lines of source that a capture shows, as they stood when it was made.

Only files that were run or rendered are read, and only the lines that occur and a few around each.
"""

from __future__ import annotations

import stat
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from perfkit.profiling.capture import FRAMEWORK, PACKAGE, SITE, Profile

#: Lines around one that occurs, by whose it is.
_AROUND: Final = {SITE: 3, PACKAGE: 2, FRAMEWORK: 1}
#: Of one capture: lines, and letters of one line.
MOST_LINES: Final = 4_000
LONGEST_LINE: Final = 200
#: Of one file, in bytes; and files.
_LARGEST: Final = 2_000_000
_MOST_FILES: Final = 300

TEMPLATE: Final = "template"


def source_of(profile: Profile, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return file -> line as text -> its text; the site's own first, while there is room.

    Args:
        profile: with the lines that occur.
        files: name of a file in the profile -> the file.
    """
    found: dict[str, dict[str, str]] = {}
    left = MOST_LINES
    for owner in (SITE, PACKAGE, FRAMEWORK):
        for name, lines in sorted(_occurring(profile, owner).items()):
            if left <= 0 or len(found) >= _MOST_FILES:
                return found
            wanted = sorted(
                {
                    at
                    for line in lines
                    for at in range(line - _AROUND[owner], line + _AROUND[owner] + 1)
                }
            )
            texts = dict(_read(files.get(name, ""), wanted[:left]))
            left -= len(texts)
            if texts:
                found[name] = {str(at): text for at, text in texts.items()}
    return found


def _occurring(profile: Profile, owner: str) -> dict[str, set[int]]:
    lines: dict[str, set[int]] = {}
    for node in profile.nodes:
        frame = profile.frames[node.frame]
        if frame.file and frame.owner == owner and node.line > 0:
            lines.setdefault(frame.file, set()).add(node.line)
    for count in profile.calls:
        frame = profile.frames[count.frame]
        if frame.file and frame.owner == owner and frame.line > 0:
            lines.setdefault(frame.file, set()).add(frame.line)
    templates = {each.file for each in profile.frames if each.function == TEMPLATE}
    return {
        name: numbers
        for name, numbers in lines.items()
        if name.endswith((".py", ".pyw")) or name in templates
    }


def _read(path: str, wanted: list[int]) -> Iterator[tuple[int, str]]:
    if not wanted or not Path(path).is_absolute():
        return
    try:
        state = Path(path).stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            return
        with tokenize.open(path) as file:
            needed = set(wanted)
            for at, text in enumerate(file, 1):
                if at > wanted[-1]:
                    return
                if at in needed:
                    yield at, text.rstrip()[:LONGEST_LINE]
    except (OSError, SyntaxError, UnicodeError, ValueError):
        return
