"""Chooses the format, and refuses one that an engine cannot give."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from perfkit.profiling.capture import CPROFILE, Capture
from perfkit.profiling.export.collapsed import collapsed
from perfkit.profiling.export.counts import pstats
from perfkit.profiling.export.session import pyinstrument
from perfkit.profiling.export.speedscope import speedscope

#: Letters of a capture's id that a file name may hold.
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class ExportRefusedError(ValueError):
    """A format that there is not, or that this engine's data does not hold; the text says which do."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to save: ``filename`` is plain ASCII without a folder."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Format:
    suffix: str
    content_type: str
    write: Callable[[Capture], bytes]
    needs: str


def _json(capture: Capture) -> bytes:
    return json.dumps(capture.to_dict(), allow_nan=False, indent=1).encode("ascii")


_ANY, _STACKS, _COUNTS = "any", "stacks", "counts"
_FORMATS: Final = {
    "speedscope": _Format("speedscope.json", "application/json", speedscope, _STACKS),
    "collapsed": _Format("collapsed.txt", "text/plain; charset=utf-8", collapsed, _STACKS),
    "pyinstrument": _Format("pyisession", "application/json", pyinstrument, _STACKS),
    "pstats": _Format("pstats", "application/octet-stream", pstats, _COUNTS),
    "json": _Format("json", "application/json", _json, _ANY),
}

#: Every format, by name.
FORMATS: Final = tuple(_FORMATS)


def formats_of(engine: str) -> tuple[str, ...]:
    """Return the formats that a capture of this engine can be written in.

    Args:
        engine: one of ``ENGINES``.
    """
    has = _COUNTS if engine == CPROFILE else _STACKS
    return tuple(name for name, each in _FORMATS.items() if each.needs in (_ANY, has))


def exported(capture: Capture, format: str) -> Exported:  # noqa: A002 - as the command's option
    """Write a capture in another tool's format.

    Args:
        capture: what to write.
        format: one of ``FORMATS``.

    Raises:
        ExportRefusedError: there is no such format, or the engine's data does not hold it.
    """
    possible = formats_of(capture.engine)
    if format not in possible:
        raise ExportRefusedError(_refusal(capture.engine, format, possible))
    chosen = _FORMATS[format]
    name = "".join(char for char in capture.id if char in _PLAIN)[:40] or "capture"
    return Exported(f"perfkit-{name}.{chosen.suffix}", chosen.content_type, chosen.write(capture))


def _refusal(engine: str, wanted: str, possible: tuple[str, ...]) -> str:
    if wanted not in _FORMATS:
        return f"format {wanted!r} is not one of {', '.join(FORMATS)}"
    why = (
        "cProfile counts calls and keeps no stacks"
        if _FORMATS[wanted].needs == _STACKS
        else "it holds counts of calls, and samples of stacks do not count them"
    )
    return (
        f"format {wanted!r} cannot be made of a capture by {engine!r}: {why}; "
        f"possible are {', '.join(possible)}"
    )
