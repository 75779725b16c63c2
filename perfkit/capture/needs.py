"""What a probe of ``capture.fit`` may ask for; what is not there raises ``Misfit`` with its name."""

from __future__ import annotations

from types import CodeType
from typing import Any

from perfkit.capture.parts import find, locals_of
from perfkit.capture.roles import functions_in


class Misfit(Exception):
    """Something that a hook relies on is not there."""


def the(path: str) -> Any:
    """Return what a path names; paths are those of ``capture.parts.find``."""
    found = find(path)
    if found is None:
        raise Misfit(f"there is no {_dotted(path)}")
    return found


def has(thing: Any, *names: str) -> None:
    """Ask an object or class for attributes."""
    for name in names:
        if not hasattr(thing, name):
            cls = thing if isinstance(thing, type) else type(thing)
            raise Misfit(f"{cls.__qualname__} has no {name}")


def code_at(path: str, *names: str) -> CodeType:
    """Ask for a function whose frames have these local names."""
    code = getattr(the(path), "__code__", None)
    if not isinstance(code, CodeType):
        raise Misfit(f"{_dotted(path)} is no function")
    for name in names:
        if name not in locals_of(code):
            raise Misfit(f"{_dotted(path)} has no local name {name!r}")
    return code


def mentions(path: str, *names: str) -> None:
    """Ask for names that a function, or one defined in it, reads or sets."""
    code = code_at(path)
    mentioned = {name for each in (code, *functions_in(code)) for name in each.co_names}
    for name in names:
        if name not in mentioned:
            raise Misfit(f"{_dotted(path)} does without {name}")


def _dotted(path: str) -> str:
    return path.replace(":", ".")
