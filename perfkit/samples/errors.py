"""Notes the class of the exception that failed a request: its name, never its text.

Django tells of it by a signal that is sent for failed requests only, so that others pay nothing.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.signals import got_request_exception

from perfkit.observation import Observation

#: A class made with a name of data's making is none that an application has.
_LONGEST = 120


def name_of(error: BaseException | None) -> str:
    """Return the dotted name of an exception's class, ``""`` where that is no plain name."""
    if error is None:
        return ""
    cls = type(error)
    name = cls.__qualname__ if cls.__module__ == "builtins" else _dotted(cls)
    plain = name.isascii() and all(part.isidentifier() for part in name.split("."))
    return name if plain and len(name) <= _LONGEST else ""


def _dotted(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}".replace(".<locals>", "")


def note(request: Any = None, **told: Any) -> None:
    """Keep the name of the exception that is being handled with the request's observation."""
    observation = getattr(request, "_perfkit", None)
    if isinstance(observation, Observation) and not observation.error:
        observation.error = name_of(sys.exception())


def install() -> None:
    """Listen to failed requests."""
    got_request_exception.connect(note, dispatch_uid="perfkit.samples")
