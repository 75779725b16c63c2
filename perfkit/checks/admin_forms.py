"""Checks that a form of the admin does not offer every row of a large table.

A foreign key becomes a ``<select>`` with an option for each row: all of them are read, and sent,
whenever the form is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, router
from django.db.models import ForeignKey, ManyToManyField, Model

from perfkit.checks.admins import is_own, model_admins, named, overrides

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    Relation = ForeignKey[Any, Any] | ManyToManyField[Any, Any]

#: Rows from which on a list to choose from is large.
LARGE_ROWS = 1_000


def check_admin_forms(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check each form of the site's own admin, by the databases of ``check --database`` only."""
    aliases = set(databases or ())
    if not aliases:
        return []
    messages: list[CheckMessage] = []
    for admin in _forms():
        for field in _selects(admin):
            target = field.remote_field.model
            if router.db_for_read(target) not in aliases or not _is_large(target, field):
                continue
            setting = f"autocomplete_fields or raw_id_fields of {named(type(admin))}"
            messages.append(
                CheckWarning(
                    f"The form of {named(type(admin))} has {field.name!r} as a list of all rows of "
                    f"{target._meta.label}, which has more than {LARGE_ROWS:,}.",
                    hint=f"Add {field.name!r} to {setting}.",
                    id="perfkit.W015",
                )
            )
    return messages


def _forms() -> Iterator[BaseModelAdmin[Any]]:
    for model_admin in model_admins():
        yield model_admin
        for inline in model_admin.inlines:
            if is_own(inline):
                yield inline(model_admin.model, model_admin.admin_site)


def _selects(admin: BaseModelAdmin[Any]) -> Iterator[Relation]:
    """Yield the relations that the form offers as a list of all rows."""
    # What a method decides cannot be told from here, nor what a form of the site's own does.
    dynamic = (
        "formfield_for_dbfield",
        "formfield_for_foreignkey",
        "formfield_for_manytomany",
        "get_autocomplete_fields",
        "get_exclude",
        "get_fields",
        "get_fieldsets",
        "get_form",
        "get_readonly_fields",
    )
    if overrides(type(admin), *dynamic):
        return
    without = {
        *admin.raw_id_fields,
        *admin.autocomplete_fields,
        *admin.radio_fields,
        *admin.readonly_fields,
        *(admin.exclude or ()),
        *getattr(admin.form, "declared_fields", ()),
    }
    shown = _shown(admin)
    # An inline does not offer the key by which it hangs on its parent.
    parent = getattr(admin, "parent_model", None)
    for field in (*admin.opts.fields, *admin.opts.many_to_many):
        if (
            isinstance(field, ForeignKey | ManyToManyField)
            and field.editable
            and field.name not in without
            and (shown is None or field.name in shown)
            and type(field) not in admin.formfield_overrides
            and not (parent is not None and field.remote_field.model is parent)
            and _is_made_by_form(field)
        ):
            yield field


def _shown(admin: BaseModelAdmin[Any]) -> set[str] | None:
    """Return the names in ``fields`` or ``fieldsets``, None when the form has all fields."""
    rows: list[Any] = list(admin.fields or ())
    for _, options in admin.fieldsets or ():
        rows += options["fields"]
    if not rows:
        return None
    return {name for row in rows for name in ((row,) if isinstance(row, str) else row)}


def _is_made_by_form(field: Relation) -> bool:
    """Tell whether a form has the field: not the link to a parent row, nor rows of a through model."""
    if isinstance(field, ManyToManyField):
        through: Any = field.remote_field.through
        return bool(through._meta.auto_created)
    return not getattr(field.remote_field, "parent_link", False)


def _is_large(target: type[Model], field: Relation) -> bool:
    """Tell whether the form would list many rows, by reading as many keys and no more."""
    rows = target._default_manager.complex_filter(field.get_limit_choices_to())
    try:
        return rows.order_by().values("pk")[: LARGE_ROWS + 1].count() > LARGE_ROWS
    except DatabaseError:  # not migrated yet
        return False
