"""Dicts that note the first read of a relation, in the place of those that Django keeps on a row.

Django reads a joined relation from ``row._state.fields_cache`` and a prefetched one from there or
from ``row._prefetched_objects_cache``. Rows outlive requests, so these dicts hold nothing but names,
counts and lines beside what Django puts in, and turn into plain ones wherever they are copied.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from sys import _getframe
from types import FrameType
from typing import Any

import django
from django.db.models import Model

from perfkit.capture.parts import code_of
from perfkit.capture.places import Place

JOIN = "select_related"
PREFETCH = "prefetch_related"

#: What somebody reads -> its place, which keeps the ``id`` in the key from being given away. Settled
#: for the life of the process.
settled: dict[tuple[Any, ...], Place] = {}

_MOST_SETTLED = 10_000

_DJANGO = os.path.join(os.path.dirname(django.__file__), "")
_ORM = os.path.join(_DJANGO, "db", "models", "")
_GENERIC_KEYS = os.path.join(_DJANGO, "contrib", "contenttypes", "fields.py")

#: The ORM reads relations for itself in these: to prefetch through them, to check them before a row
#: is saved, to replace them.
_MACHINERY = {
    id(code_of(f"django.db.models.{path}"))
    for path in (
        "query:prefetch_related_objects",
        "query:prefetch_one_level",
        "query:get_prefetcher",
        "base:Model._prepare_related_fields_for_save",
        "fields.related_descriptors:ForwardManyToOneDescriptor.__set__",
        "fields.related_descriptors:ReverseOneToOneDescriptor.__set__",
    )
}


class Load:
    """A relation that a queryset loads along.

    Attributes:
        model: label of the root queryset's model.
        path: the relation, from there.
        method: ``JOIN`` or ``PREFETCH``; "" for the queryset's own rows.
        place: the line that evaluates the root queryset.
        rows: rows that had it loaded, and not empty.
        used: it was read, now or ever in this process.
        blind: not every row was watched, so it may have been read all the same.
        fields: what is loaded along to the related rows, by the name in their ``fields_cache``.
        many: the same, by the name in their ``_prefetched_objects_cache``.
    """

    __slots__ = (
        "_key",
        "blind",
        "fields",
        "many",
        "method",
        "model",
        "path",
        "place",
        "rows",
        "used",
    )

    def __init__(self, model: str, path: str, method: str, place: Place) -> None:
        anchor, at = place
        # Equal functions of two files have equal code objects, so it is their identity that counts.
        self._key = (model, path, method, anchor if isinstance(anchor, str) else id(anchor), at)
        self.model = model
        self.path = path
        self.method = method
        self.place = place
        self.rows = 0
        self.used = self._key in settled
        self.blind = False
        self.fields: dict[str, Load] = {}
        self.many: dict[str, Load] = {}

    @classmethod
    def of_rows(cls, model: str, path: str, place: Place) -> Load:
        """Return the place of rows that were not loaded along, to hang on what is."""
        load = cls(model, path, "", place)
        load.used = True
        return load

    @property
    def is_open(self) -> bool:
        """Whether rows are watched for it: for itself, or to meet what is prefetched below it."""
        return not self.used or (self.method == PREFETCH and self.is_open_below)

    @property
    def is_open_below(self) -> bool:
        """Whether its related rows are watched."""
        return any_open(self.fields) or any_open(self.many)

    def use(self) -> None:
        """Settle it: somebody reads it."""
        self.used = True
        if len(settled) >= _MOST_SETTLED:
            settled.clear()
        settled[self._key] = self.place

    def lose(self) -> None:
        """Give up judging what is loaded along to its rows."""
        for load in (*self.fields.values(), *self.many.values()):
            load.blind = True
            load.lose()

    def meet(self, value: Any) -> None:
        """Take what a prefetch puts on one row, and watch the related rows in their turn."""
        try:
            if isinstance(value, Model):
                self.rows += 1
                watch((value,), self)
            elif value is not None and (related := value._result_cache):
                self.rows += 1
                watch(related, self)
        except Exception:  # another kind of value than Django's: nothing can be told
            self.use()
            self.lose()


class Noting(dict[str, Any]):
    """A row's cache of relations; a plain dict to everybody but us.

    Whoever takes it as a whole, as copying and pickling a row do, may read anything later, unseen.
    """

    __slots__ = ("names",)

    #: What is watched, by its name in this dict; set as soon as it is made.
    names: dict[str, Load]

    def add(self, names: dict[str, Load]) -> None:
        """Note for a second queryset; a row that two of them give out can serve only one."""
        if names is not self.names:
            for name, load in names.items():
                known = self.names.get(name, load)
                if known is not load:
                    known.use()
            self.names = {**self.names, **names}

    def spend(self) -> None:
        """Count every relation in it as read."""
        for name in dict.keys(self):  # past our own methods
            load = self.names.get(name)
            if load is not None and not load.used:
                load.use()

    def __getitem__(self, name: str) -> Any:
        value = dict.__getitem__(self, name)
        load = self.names.get(name)
        if load is not None and not load.used and not _is_machinery(_getframe(1)):
            load.use()
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        dict.__setitem__(self, name, value)
        load = self.names.get(name)
        if load is not None and load.method == PREFETCH:
            load.meet(value)

    def __iter__(self) -> Iterator[str]:
        # With this method our own, dict(cache) and {**cache} ask __getitem__ for each value.
        return dict.__iter__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        self.spend()
        return (dict, (), None, None, iter(dict.items(self)))

    def get(self, name: str, default: Any = None) -> Any:
        """Note the read, and return what a dict returns."""
        load = self.names.get(name)
        if load is not None and not load.used and name in self and not _is_machinery(_getframe(1)):
            load.use()
        return dict.get(self, name, default)

    def pop(self, *args: Any) -> Any:
        """Do what a dict does; Django forgets by it what it has changed, others may want it."""
        if not _getframe(1).f_code.co_filename.startswith(_DJANGO):
            self.spend()
        return dict.pop(self, *args)

    def copy(self) -> dict[str, Any]:
        """Return a plain dict."""
        self.spend()
        return dict(dict.items(self))

    def items(self) -> Any:
        """Do what a dict does."""
        self.spend()
        return dict.items(self)

    def values(self) -> Any:
        """Do what a dict does."""
        self.spend()
        return dict.values(self)

    def popitem(self) -> tuple[str, Any]:
        """Do what a dict does."""
        self.spend()
        return dict.popitem(self)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Do what a dict does."""
        self.spend()
        return dict.setdefault(self, name, default)


def watch(rows: Collection[Any], load: Load) -> None:
    """Give rows the dicts that note what is read of that which was loaded along to them."""
    fields, many = load.fields, load.many
    if any_open(fields):
        for row in rows:
            state = row._state
            cache = state.fields_cache
            if type(cache) is Noting:
                cache.add(fields)
            else:
                state.fields_cache = noting = Noting(cache)
                noting.names = fields
    if any_open(many):
        for row in rows:
            # Django makes this dict only where it is missing, just before it prefetches.
            cache = getattr(row, "_prefetched_objects_cache", None)
            if type(cache) is Noting:
                cache.add(many)
            else:
                row._prefetched_objects_cache = noting = Noting(cache or ())
                noting.names = many


def any_open(names: dict[str, Load]) -> bool:
    """Tell whether rows are watched for one of these."""
    for load in names.values():  # noqa: SIM110  # asked for each row: half of what any() costs
        if load.is_open:
            return True
    return False


def _is_machinery(frame: FrameType | None) -> bool:
    """Tell whether the ORM reads a relation for itself: no code of others' stands between."""
    while frame is not None and id(frame.f_code) not in _MACHINERY:
        file = frame.f_code.co_filename
        if not file.startswith(_ORM) and file != _GENERIC_KEYS:
            return False
        frame = frame.f_back
    return frame is not None
