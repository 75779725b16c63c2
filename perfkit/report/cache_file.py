"""Opens a log to be read line by line, packed or not, and tells how far it is."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from os import fstat
from pathlib import Path
from typing import BinaryIO, Final

#: Longer lines are read in pieces, which are no lines of a log: a file without line ends is no log.
LONGEST_LINE: Final = 65_536
_LINES_BETWEEN_TELLS: Final = 2_000


class BadFile(Exception):
    """A file that cannot be read; says why."""


class LogFile:
    """A log that is open.

    Args:
        raw: the file as it is on disk.
        text: what it holds.
    """

    def __init__(self, raw: BinaryIO, text: TextIOWrapper) -> None:
        self._raw = raw
        self._text = text

    def lines(self, told: Callable[[int, int], None] | None = None) -> Iterator[str]:
        """Yield its lines.

        Args:
            told: called now and then with the bytes read and the bytes that there are.

        Raises:
            BadFile: it cannot be read any further.
        """
        size = fstat(self._raw.fileno()).st_size
        try:
            for number, line in enumerate(iter(lambda: self._text.readline(LONGEST_LINE), "")):
                if told is not None and size and not number % _LINES_BETWEEN_TELLS:
                    told(min(self._raw.tell(), size), size)
                yield line
        except (OSError, EOFError, zlib.error) as error:
            raise BadFile(_reason(error)) from error


@contextmanager
def opened(name: str) -> Iterator[LogFile]:
    """Open a log; one whose name ends in ``.gz`` is unpacked on the way.

    Raises:
        BadFile: it cannot be opened.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise BadFile(_reason(error)) from error
        binary = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else raw
        text = TextIOWrapper(binary, encoding="utf-8", errors="replace")
        yield LogFile(raw, stack.enter_context(text))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
