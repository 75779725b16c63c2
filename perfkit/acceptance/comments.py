"""Reads ``# perfkit: ok[reason]`` in source files and templates, and tells which lines it covers."""

from __future__ import annotations

import re
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from io import StringIO
from pathlib import Path

from perfkit.acceptance.files import LARGEST_BYTES, locate, text_of

_OK = r"\s*perfkit:\s*ok\b(?:\[(?P<reason>[^\]]*)\])?"
_PYTHON = re.compile(rf"#{_OK}")
_TEMPLATE = re.compile(rf"\{{#{_OK}.*?#\}}")
#: What every such comment holds: a file without it need not be taken apart.
_MARK = "perfkit:"

_BETWEEN = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment that accepts what is found on its lines.

    Attributes:
        file: as in ``Site.file``.
        line: where the comment stands.
        covers: first and last line of the statement it is about.
        text: the comment as it is written.
        reason: what stands in its brackets; without one it accepts nothing.
        key: names it when lines move: file, the line's text, and which of equal ones it is.
    """

    file: str
    line: int
    covers: tuple[int, int]
    text: str
    reason: str
    key: str


def comments_by_line(file: str) -> Mapping[int, Comment]:
    """Return the comment that covers a line, by line; reads the file when new or changed.

    Args:
        file: as in ``Site.file``.
    """
    found = locate(file)
    if found is None:
        return {}
    path, info = found
    if info.st_size > LARGEST_BYTES:
        return {}
    return _by_line(path, file, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=1024)
def _by_line(path: Path, file: str, changed_ns: int, size: int) -> Mapping[int, Comment]:
    try:
        text = text_of(path)
    except (OSError, SyntaxError, ValueError):
        return {}
    lines: dict[int, Comment] = {}
    for comment in comments_in(file, text):
        for line in range(comment.covers[0], comment.covers[1] + 1):
            # Of two on one statement the one with a reason counts.
            if line not in lines or not lines[line].reason:
                lines[line] = comment
    return lines


def comments_in(file: str, text: str) -> list[Comment]:
    """List the comments of a source text, those without a reason too.

    Args:
        file: its name, as in ``Site.file``; what ends in ``.py`` is Python, all else a template.
        text: what it holds.
    """
    if _MARK not in text or "\0" in text:  # CPython 3.12 fails on it in ways of its own
        return []
    found = _in_python(text) if file.endswith(".py") else _in_template(text)
    lines = text.split("\n")
    seen: Counter[str] = Counter()
    comments = []
    for line, match, covers in found:
        words = lines[line - 1].strip()
        seen[words] += 1
        comments.append(
            Comment(
                file,
                line,
                covers,
                match.group().strip(),
                (match["reason"] or "").strip(),
                key_of(file, words, str(seen[words])),
            )
        )
    return comments


def key_of(*parts: str) -> str:
    """Name a comment or a rule: 12 hex digits."""
    return blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()


_Found = tuple[int, re.Match[str], tuple[int, int]]


def _in_python(text: str) -> Iterator[_Found]:
    """Yield each comment with the statement it stands in, or that follows on the next line."""
    waiting: list[tuple[int, re.Match[str]]] = []
    first = 0
    try:
        for token in tokenize.generate_tokens(StringIO(text).readline):
            line = token.start[0]
            if token.type == tokenize.COMMENT:
                if match := _PYTHON.search(token.string):
                    waiting.append((line, match))
            elif token.type == tokenize.NEWLINE:
                for at, match in waiting:
                    yield at, match, (min(at, first or at), line)
                waiting, first = [], 0
            elif token.type == tokenize.NL:
                if not first and not token.line.strip():
                    # A blank line parts a comment from the statement below it.
                    yield from ((at, match, (at, at)) for at, match in waiting)
                    waiting = []
            elif token.type not in _BETWEEN:
                first = first or line
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass  # a file that is being written; what came before the fault counts
    yield from ((at, match, (at, at)) for at, match in waiting)


def _in_template(text: str) -> Iterator[_Found]:
    """Yield each comment; one that stands alone on its line is about the next line too."""
    for number, line in enumerate(text.split("\n"), 1):
        if match := _TEMPLATE.search(line):
            yield number, match, (number, number + (line.strip() == match.group()))
