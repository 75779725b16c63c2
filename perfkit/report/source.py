"""Reads the lines of code that a report names, from disk, while the report is made."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.acceptance.files import LARGEST_BYTES, locate, text_of
from perfkit.record import Site


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
    found = locate(site.file)
    if found is None:
        return Excerpt("", "the file is not found from here")
    path, info = found
    if info.st_size > LARGEST_BYTES:
        return Excerpt("", "the file is too large to be read")
    try:
        lines = text_of(path).splitlines()
    except (OSError, SyntaxError, ValueError) as error:
        return Excerpt("", f"the file cannot be read: {error.__class__.__name__}")
    if not 1 <= site.line <= len(lines):
        return Excerpt("", "the file has changed and has no such line now")
    changed = "the file has changed since: the line may be another" if info.st_mtime > seen else ""
    return Excerpt(lines[site.line - 1].expandtabs(4).strip(), changed)
