"""Which queryset loaded a row, and how that queryset was reached.

While somebody records, rows carry an ``Origin`` in their ``_state``: one attribute per row, set
when the rows have been built. Rows outlive requests, so an origin pickles to ``None`` and holds
neither row nor queryset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from perfkit.capture.places import Place

if TYPE_CHECKING:
    from perfkit.capture.noting import Load

#: The name of the tag in ``instance._state``.
TAG = "perfkit_origin"

#: Steps from the root at most: longer chains are recursions in disguise.
_DEEPEST = 12


class Facts(NamedTuple):
    """How a queryset was built, as it stands in the query; see ``perfkit.record.Built``."""

    raw: bool = False
    combined: bool = False
    sliced: bool = False
    iterated: bool = False
    locked: bool = False
    grouped: bool = False
    joined: tuple[str, ...] = ()
    joins_all: bool = False
    prefetched: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    deferred: tuple[str, ...] = ()


class Origin:
    """The evaluation of one queryset at one line; see ``perfkit.record.Loaded``.

    Attributes:
        model: label of the rows' model, ``"shop.Product"``.
        place: the line that evaluated it, or None.
        step, name, parent: how it was reached; all empty for a queryset of the site's own.
        several: it yielded more than one row.
        times: how often it was evaluated at this line for rows of one parent.
        trace: the serial of the recording in which ``times`` counts.
        recursive: the relation was followed again from rows that it had led to.
        facts: how it was built.
        loads: what it loads along, as ``capture.usage`` watches it; None when nobody looked.
        owner: the site's own class that a framework evaluated it for, and what of it.
    """

    __slots__ = (
        "_depth",
        "children",
        "facts",
        "loads",
        "model",
        "name",
        "owner",
        "parent",
        "place",
        "recursive",
        "several",
        "step",
        "times",
        "trace",
    )

    def __init__(
        self,
        model: str,
        place: Place | None = None,
        step: str = "",
        name: str = "",
        parent: Origin | None = None,
        facts: Facts | None = None,
        owner: tuple[type, str] | None = None,
    ) -> None:
        self.model = model
        self.place = place
        self.step = step
        self.name = name
        self.parent = parent
        self.facts = facts
        self.owner = owner
        self.loads: Load | None = None
        self.several = False
        self.times = 1
        self.trace = 0
        self.recursive = False
        self.children: dict[Any, Origin] = {}
        self._depth: int = 0 if parent is None else parent._depth + 1

    def through(self, step: str, name: str, model: str) -> Origin:
        """Return the one origin of all rows to which a relation of these rows leads."""
        key = (step, name, model)
        child = self.children.get(key)
        if child is None:
            if self.is_deepest:
                self.recursive = True
                return self
            child = self.children[key] = Origin(model, None, step, name, self)
            child.several = True
        return child

    @property
    def is_deepest(self) -> bool:
        """Whether it is as far from its root as origins go."""
        return self._depth >= _DEEPEST

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return (type(None), ())

    def __copy__(self) -> Origin:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Origin:
        return self


_labels: dict[Any, str] = {}


def label_of(model: Any) -> str:
    """Return a model's label, ``"shop.Book"``, which Django puts together at each call."""
    label = _labels.get(model)
    if label is None:
        label = _labels[model] = str(model._meta.label)
    return label


def origin_of(instance: Any) -> Origin | None:
    """Return the tag of a row, or None."""
    # Not by the state's __dict__: asking for it would make one for every row.
    return getattr(getattr(instance, "_state", None), TAG, None)
