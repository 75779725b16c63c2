"""Notes what a view does that a cached page would leave out, besides statements: mails sent, files saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from perfkit.capture.current import current
from perfkit.capture.parts import find

#: Class, its method that does something, and what that is.
_DONE_BY: Final = (
    ("django.core.mail:EmailMessage", "send", ("SEND", "mail")),
    ("django.core.files.storage:Storage", "save", ("SAVE", "file")),
)

_originals: list[tuple[Any, str, Any]] = []


def install() -> None:
    """Put a function before each of the methods."""
    for path, name, what in _DONE_BY:
        owner = find(path)
        original = getattr(owner, name, None)
        if original is not None:
            _originals.append((owner, name, original))
            setattr(owner, name, _noting(original, *what))


def uninstall() -> None:
    """Take them out again."""
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)


def _noting(original: Callable[..., Any], verb: str, what: str) -> Callable[..., Any]:
    @wraps(original)
    def do(self: Any, *args: Any, **kwargs: Any) -> Any:
        trace = current.get()
        if trace is not None and trace.candidate is not None:
            try:
                trace.candidate.note_effect(verb, what)
            except Exception as error:  # the mail must go its way for all that
                trace.fail("answer hook", error)
        return original(self, *args, **kwargs)

    return do
