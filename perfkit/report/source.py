"""Reads the lines of code that a report names, from disk, while the report is made."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

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
    lines, doubt = _lines(site, seen)
    return Excerpt(lines[site.line - 1].strip() if lines else "", doubt)


def around(site: Site, seen: float, lines: int, last: int = 0) -> tuple[list[tuple[int, str]], str]:
    """Read the line that a finding names and those around it, without their common indent.

    Args:
        site: as recorded.
        seen: Unix seconds at which the finding was seen last.
        lines: how many before and after it, where there are as many.
        last: a later line to go on to, from 1; the same line without one.

    Returns:
        (number, text) of each line, none where the file cannot be read; what is in doubt, or "".
    """
    found, doubt = _lines(site, seen)
    first = max(site.line - 1 - lines, 0)
    shown = (
        dedent("\n".join(found[first : max(site.line, last) + lines])).split("\n") if found else []
    )
    return list(enumerate(shown, first + 1)), doubt


def _lines(site: Site, seen: float) -> tuple[list[str], str]:
    found = locate(site.file)
    if found is None:
        return [], "the file is not found from here"
    path, info = found
    if info.st_size > LARGEST_BYTES:
        return [], "the file is too large to be read"
    try:
        lines = [line.expandtabs(4).rstrip() for line in text_of(path).splitlines()]
    except (OSError, SyntaxError, ValueError) as error:
        return [], f"the file cannot be read: {error.__class__.__name__}"
    if not 1 <= site.line <= len(lines):
        return [], "the file has changed and has no such line now"
    changed = "the file has changed since: the line may be another" if info.st_mtime > seen else ""
    return lines, changed
