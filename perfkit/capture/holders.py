"""Which class of the site's own a framework's frame works for: a view, an admin, a serializer, a form.

Where no line of the site's stands between a statement and the framework, that class is what the
site's developers can edit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.db.models import Field, Manager, Model, QuerySet

from perfkit.capture.frames import names_of
from perfkit.capture.places import Owner, is_host, owner_of

#: Their classes may be the site's own, but they are what is asked, not who asks.
_ASKED = (Model, QuerySet, Manager, Field)

#: Kinds of classes that make the querysets they work on.
OWNERS = frozenset({"admin", "form", "table", "view"})

#: (class, what of it); "" where the whole class is meant.
Holder = tuple[type, str]


def holder_of(frame: FrameType) -> Holder | None:
    """Name the site's own class that a frame of a framework or package works for.

    Args:
        frame: a frame for whose file ``is_host`` holds; reading its names costs about a
            microsecond, so this is for the first time that a path is seen.
    """
    if not is_host(frame.f_code.co_filename):
        return None
    names = names_of(frame)
    subject = names.get("self")
    admin = _held(names.get("cl"), "model_admin") or _held(subject, "model_admin")
    if admin is not None:
        return _own(type(admin), "list_display")
    if subject is None:
        return None
    if frame.f_code.co_name == "to_representation" and "field" in names:
        return _own(type(subject), str(_held(names["field"], "field_name") or ""))
    if type(subject).__name__ == "BoundField":
        return _own(type(_held(subject, "form")), str(_held(subject, "name")))
    if kind_of(type(subject)) == "serializer":
        return None  # as a field of another, whose frame names it
    return _own(type(subject), "")


def _held(thing: Any, name: str) -> Any:
    """Return an attribute that an object holds itself; its class is not asked, which may query."""
    try:
        return object.__getattribute__(thing, "__dict__").get(name)
    except AttributeError:
        return None


def _own(cls: type, label: str) -> Holder | None:
    if issubclass(cls, _ASKED):
        return None
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return (cls, label) if file and owner_of(file) is Owner.SITE else None


def is_serializer_step(frame: FrameType) -> bool:
    """Tell whether a frame turns one field of a serializer into its representation."""
    return frame.f_code.co_name == "to_representation"


def view_of(context: Any) -> Holder | None:
    """Name the class-based view whose template is being rendered; read without resolving anything."""
    for layer in _held(context, "dicts") or ():
        if isinstance(layer, dict) and "view" in layer:
            return _own(type(layer["view"]), "get_queryset")
    return None


def kind_of(cls: type) -> str:
    """Tell what a holder is, by the names of its classes: ``admin``, ``view``, ``form``, ..."""
    for base in _names(cls):
        for word in ("Admin", "View", "Serializer", "Form", "Table", "Command"):
            if base.endswith(word) or base == "BaseModelAdmin":
                return "admin" if "Admin" in base else word.lower()
    return "class"


def _names(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        yield base.__name__
