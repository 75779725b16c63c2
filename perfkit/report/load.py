"""Reads the store into a report; a store that is missing or unreadable makes an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import DatabaseError

from perfkit.conf import Settings
from perfkit.errors import StoreError, StoreMissing
from perfkit.metrics.aggregate import WINDOW_S, Window
from perfkit.report.build import build, finding_text
from perfkit.report.model import ReportModel
from perfkit.report.notes import notes_on
from perfkit.report.options import Options
from perfkit.report.wording import moment
from perfkit.store.connection import sqlite_path
from perfkit.store.read import Stored, read


def load(settings: Settings, options: Options) -> ReportModel:
    """Read what the options ask for; a store that cannot be read is a note, not an exception.

    Args:
        settings: ``store`` says where to read.
        options: window, routes, order and limit.
    """
    notes = [] if settings.enabled else ["Recording is off: PERFKIT['ENABLED'] or PERFKIT_DISABLED"]
    database = settings.store
    if database is None:
        return _without("", options, [*notes, "There is no store: PERFKIT['STORE'] is False"])
    name = str(sqlite_path(database) or database["NAME"])
    # The store holds nothing finer than a minute: the one in which the window begins counts whole.
    since = int((options.since or 0) // WINDOW_S * WINDOW_S)
    try:
        stored = read(database, since)
        older = read(database, 0).first_bucket if stored.first_bucket is None and since else None
    except (StoreError, DatabaseError, ImproperlyConfigured, OSError) as error:
        if isinstance(error, StoreMissing):
            notes.append(f"No data yet: {error}. {_how_to_begin(settings)}")
            return _without(name, options, notes)
        notes.append(f"The store cannot be read: {_one_line(error)}")
        return replace(_without(name, options, notes), readable=False)
    if stored.first_bucket is None and older is None:
        notes.append(f"No data yet. {_how_to_begin(settings)}")
    elif stored.first_bucket is None:
        notes.append(f"No data in this window; the store has some from {moment(older or 0)} on")
    model = build(stored, options, settings.ignore)
    untold = sum(finding_text(stored, each) is None for each in stored.window.findings)
    notes += [*_unmatched(stored, options), *notes_on(model, untold)]
    return replace(model, notes=tuple(notes))


def _without(path: str, options: Options, notes: list[str]) -> ReportModel:
    window = Window()
    window.workers = 0
    model = build(Stored(window, {}, None, 0, 0, 0, path), options)
    return replace(model, notes=tuple(notes))


def _how_to_begin(settings: Settings) -> str:
    return (
        "Put perfkit.middleware.PerfkitMiddleware first in MIDDLEWARE and let the site answer "
        f"requests; workers write every {settings.flush_interval_seconds:g} s"
    )


def _unmatched(stored: Stored, options: Options) -> Iterator[str]:
    labels = [f"{method} {route}" for route, method in stored.window.routes]
    for text in options.routes:
        if labels and not any(text in label for label in labels):
            near = get_close_matches(text, [label.partition(" ")[2] for label in labels], n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"No route matches --route {text!r}{hint}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or error.__class__.__name__
