"""Checks that a list of the admin loads the relations it shows with its rows.

What Django does by itself is asked of the installed one (``ChangeList.apply_select_related``): up to
6.0 it calls ``select_related()``, which leaves out keys that may be null; from 6.1 on it names the
foreign keys among the columns. Columns such as ``"author__name"`` it does not look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignObjectRel, Model

from perfkit.checks.admins import model_admins, named, overrides

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

#: Relations from row to row, with what it takes to load them along.
Steps = tuple["Field[Any, Any] | ForeignObjectRel", ...]


def check_admin_lists(**kwargs: Any) -> list[CheckMessage]:
    """Check each ``list_display`` that is the site's own."""
    messages: list[CheckMessage] = []
    for model_admin in model_admins():
        cls = type(model_admin)
        # What a method decides for each request cannot be told from here.
        if overrides(cls, "get_queryset", "get_list_display", "get_list_select_related"):
            continue
        # Then Django leaves `list_select_related` aside.
        if model_admin.model._default_manager.get_queryset().query.select_related:
            continue
        shown = _shown(model_admin)
        missing = _missing(model_admin, shown)
        if not missing:
            continue
        given = model_admin.list_select_related
        # A list takes the place of what Django loads by itself, so it must name that too.
        named_already = given if isinstance(given, list | tuple) else map(_path, shown.values())
        wanted = sorted({*named_already, *(_path(shown[column]) for column in missing)})
        messages.append(
            CheckWarning(
                f"{named(cls)}.list_display has {', '.join(map(repr, missing))}: one more statement "
                "for each row of the list.",
                hint=f"list_select_related = [{', '.join(map(repr, wanted))}]",
                id="perfkit.W014",
            )
        )
    return messages


def _shown(model_admin: ModelAdmin[Any]) -> dict[str, Steps]:
    """Return the relations of each column that has any."""
    columns = [column for column in model_admin.list_display if isinstance(column, str)]
    steps = {column: _steps(model_admin.model, column) for column in columns}
    return {column: each for column, each in steps.items() if each}


def _missing(model_admin: ModelAdmin[Any], shown: dict[str, Steps]) -> list[str]:
    """Return the columns whose relations are not loaded with the rows."""
    loaded = _loaded(model_admin)
    if loaded is True:
        return [column for column, steps in shown.items() if not all(map(_is_followed, steps))]
    joined = loaded if isinstance(loaded, dict) else {}
    return [
        column for column, steps in shown.items() if not _has(joined, [step.name for step in steps])
    ]


def _loaded(model_admin: ModelAdmin[Any]) -> Any:
    """Return what Django loads with the rows: relations by name, or True for ``select_related()``."""
    from django.contrib.admin.views.main import ChangeList

    # Its own constructor wants a request.
    changelist = ChangeList.__new__(ChangeList)
    changelist.list_select_related = model_admin.list_select_related
    changelist.list_display = model_admin.list_display
    changelist.opts = changelist.lookup_opts = model_admin.model._meta
    with catch_warnings():
        simplefilter("ignore")  # Django tells the site itself what it has deprecated
        rows = changelist.apply_select_related(model_admin.model._default_manager.all())
    return rows.query.select_related


def _is_followed(step: Field[Any, Any] | ForeignObjectRel) -> bool:
    """Tell whether ``select_related()`` without names follows a relation."""
    return not isinstance(step, ForeignObjectRel) and not step.null


def _path(steps: Steps) -> str:
    return "__".join(step.name for step in steps)


def _steps(model: type[Model], column: str) -> Steps:
    """Return the to-one relations that a column follows; none for one that is no field's path."""
    steps: list[Field[Any, Any] | ForeignObjectRel] = []
    at: type[Model] | None = model
    for name in column.split("__"):
        if at is None:
            return ()
        try:
            field = at._meta.get_field(name)
        except FieldDoesNotExist:
            return ()
        at = None
        # `author_id` is a column of the row itself, though get_field() knows it as the relation.
        if name == field.name and (field.many_to_one or field.one_to_one):
            related = field.related_model
            if not isinstance(related, type) or not hasattr(related, "_meta"):
                return ()
            steps.append(field)
            at = related
    return tuple(steps)


def _has(joined: dict[str, Any], names: list[str]) -> bool:
    return not names or (names[0] in joined and _has(joined[names[0]], names[1:]))
