"""Finds and reads the files that lines of code were recorded in."""

from __future__ import annotations

import sys
import tokenize
from functools import lru_cache
from os import stat_result
from pathlib import Path
from stat import S_ISREG

#: A file larger than this is data, not code. Bytes.
LARGEST_BYTES = 5_000_000


def find(file: str) -> Path | None:
    """Return where a recorded file lies, None when it is not there."""
    found = locate(file)
    return found[0] if found else None


def locate(file: str) -> tuple[Path, stat_result] | None:
    """Return where a recorded file lies, and its size and age; None when it is not there.

    The inverse of ``places.short_name``: from the working folder and from each folder of
    ``sys.path``, where site-packages are too.
    """
    for folder in ("", *sys.path):
        path = Path(folder) / file
        try:
            info = path.stat()
        except (OSError, ValueError):
            continue
        if S_ISREG(info.st_mode):
            return path, info
    return None


def text_of(path: Path) -> str:
    """Read a file; a Python file in the encoding it declares, any other as UTF-8 as far as it is.

    Raises:
        OSError, SyntaxError, ValueError: it cannot be read, or declares no encoding that exists.
    """
    if path.suffix != ".py":
        return path.read_text(encoding="utf-8", errors="replace")
    with tokenize.open(path) as file:
        return file.read()


def line_text(file: str, line: int) -> str:
    """Return the source of a line without the blanks around it; ``""`` where there is none at hand.

    It stays the same when the line moves, and tells two querysets of one function apart.
    """
    found = locate(file)
    if found is None or found[1].st_size > LARGEST_BYTES:
        return ""
    path, info = found
    lines = _lines(path, info.st_mtime_ns, info.st_size)
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


@lru_cache(maxsize=64)
def _lines(path: Path, changed_ns: int, size: int) -> list[str]:
    try:
        return text_of(path).splitlines()
    except (OSError, SyntaxError, ValueError):
        return []
