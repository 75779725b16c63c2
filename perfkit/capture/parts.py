"""Finds parts of Django and asgiref that are not promised to stay: one that is gone breaks no import.

Whoever looks for such a part in a stack gets a stand-in that is never there, so that everything else
goes on; ``capture.fit`` tells what is missing and what is lost by it.
"""

from __future__ import annotations

from pkgutil import resolve_name
from types import CodeType
from typing import Any


def find(path: str) -> Any:
    """Return what a path names, or None when nothing does.

    Args:
        path: module and name, as in ``"django.db.models.query:QuerySet.get"``.
    """
    try:
        return resolve_name(path)
    except (ImportError, AttributeError):
        return None


def code_of(path: str, *names: str) -> CodeType:
    """Return the code object of a function, by which its frames are known in a stack.

    Args:
        path: as for ``find``.
        names: local names that are read from its frames.

    Returns:
        A code object that never runs when there is no such function, or it lacks one of the names.
    """
    code = getattr(find(path), "__code__", None)
    if isinstance(code, CodeType) and locals_of(code).issuperset(names):
        return code
    return _never_run.__code__


def _never_run() -> None:
    """Lend ``code_of`` a code object."""


def locals_of(code: CodeType) -> frozenset[str]:
    """Return the local names that a frame of this code can have."""
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
