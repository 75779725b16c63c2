"""How names of a capture read in a page: printable, short, whose code in words."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from perfkit.profiling.capture import (
    CODE,
    COMMAND,
    CPROFILE,
    FRAMEWORK,
    PACKAGE,
    PAGE,
    PYINSTRUMENT,
    ROUTE,
    SAMPLER,
    SITE,
    SLOWER,
    Frame,
)
from perfkit.report.wording import printable

#: Letters of one text in a page: longer ones are cut.
LONGEST: Final = 400

OWNERS: Final[dict[str, str | Promise]] = {
    SITE: _("your code"),
    PACKAGE: _("package"),
    FRAMEWORK: _("framework"),
}
REASONS: Final[dict[str, str | Promise]] = {
    PAGE: _("asked for"),
    ROUTE: _("next of its route"),
    SLOWER: _("slower than ordered"),
    CODE: _("by code"),
    COMMAND: _("command"),
}
ENGINES: Final[dict[str, str | Promise]] = {
    SAMPLER: _("sampler"),
    PYINSTRUMENT: "pyinstrument",
    CPROFILE: "cProfile",
}


def short(text: str) -> str:
    """Return a text that can be shown: printable, cut where it is endless."""
    told = printable(str(text)[: LONGEST + 1])
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"


def frame_name(frame: Frame) -> str:
    """Name a frame: a template by its file, all else by its function."""
    if frame.function == "template":
        return short(f"template {frame.file.rpartition('templates/')[2]}")
    return short(frame.function) or "?"


def place_of(frame: Frame) -> str:
    """Say where a frame is: ``"shop/views.py:12"``, ``""`` for what is no code."""
    if not frame.file:
        return ""
    return short(f"{frame.file}:{frame.line}" if frame.line else frame.file)
