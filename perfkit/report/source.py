"""Reads the lines of code that a report names, from disk, while the report is made."""

from __future__ import annotations

import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

from perfkit.record import Site

#: A file larger than this is data, not code. Bytes.
_LARGEST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line of code: ``text`` without its indent, "" where there is none; ``doubt`` says why."""

    text: str
    doubt: str = ""


def excerpt(site: Site, seen: float) -> Excerpt:
    """Read the line that a finding names.

    Args:
        site: as recorded; its file counts from the folders that code is imported from.
        seen: Unix seconds at which the finding was seen last. A file that was written after that
            may hold another line there.
    """
    path = find(site.file)
    if path is None:
        return Excerpt("", "the file is not found from here")
    try:
        info = path.stat()
        if info.st_size > _LARGEST_BYTES:
            return Excerpt("", "the file is too large to be read")
        lines = _text(path).splitlines()
    except (OSError, SyntaxError, ValueError) as error:
        return Excerpt("", f"the file cannot be read: {error.__class__.__name__}")
    if not 1 <= site.line <= len(lines):
        return Excerpt("", "the file has changed and has no such line now")
    changed = "the file has changed since: the line may be another" if info.st_mtime > seen else ""
    return Excerpt(lines[site.line - 1].expandtabs(4).strip(), changed)


def find(file: str) -> Path | None:
    """Return where a recorded file lies, None when it is not there.

    The inverse of ``places.short_name``: from the working folder and from each folder of
    ``sys.path``, where site-packages are too.
    """
    for folder in ("", *sys.path):
        path = Path(folder) / file
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):
            continue
    return None


def _text(path: Path) -> str:
    if path.suffix != ".py":
        return path.read_text(encoding="utf-8", errors="replace")
    with tokenize.open(path) as file:  # a Python file may declare its encoding
        return file.read()
