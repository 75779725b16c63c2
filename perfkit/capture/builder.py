"""Whose querysets are they: can the site's developers edit how one was built?"""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from django.db.models import Model

from perfkit.capture import boundary
from perfkit.capture.places import Owner, Place, owner_of


def is_built_here(model: type[Model], frame: FrameType | None) -> bool:
    """Tell whether the site's own code built a queryset, as far as its evaluation shows.

    It did when it evaluates it with nothing but Django between. A package, or Django alone, may have
    been handed the queryset or may have made it for itself: the model tells which.

    Args:
        model: of its rows.
        frame: any between the evaluation and us.
    """
    while frame is not None and id(frame.f_code) not in boundary.VIEW:
        owner = owner_of(frame.f_code.co_filename)
        if owner is Owner.SITE:
            return True
        if owner is Owner.PACKAGE:
            break
        frame = frame.f_back
    return _is_own(model)


def _is_own(model: type[Model]) -> bool:
    file = getattr(sys.modules.get(model.__module__), "__file__", None)
    return bool(file) and owner_of(str(file)) is Owner.SITE


def is_own(place: Place) -> bool:
    """Tell whether a line is the site's own: its code, its template or a class of its."""
    anchor = place[0]
    if isinstance(anchor, type):
        return True
    return owner_of(anchor.co_filename if isinstance(anchor, CodeType) else anchor) is Owner.SITE
