"""Reads the store into a report; a store that is missing or unreadable makes an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured
from django.db.utils import DatabaseError

from perfkit.conf import Settings
from perfkit.errors import StoreError, StoreMissing
from perfkit.isolation import isolated
from perfkit.metrics.aggregate import WINDOW_S, Window
from perfkit.report.build import build, choose, finding_text
from perfkit.report.cache_load import load_cache
from perfkit.report.compare.build import Half, compare
from perfkit.report.compare.windows import Windows, candidates
from perfkit.report.explanation import explain, history_step
from perfkit.report.model import ReportModel
from perfkit.report.notes import notes_on
from perfkit.report.options import Options
from perfkit.report.series import series_of, step_of
from perfkit.report.wording import moment
from perfkit.store.marks import marks
from perfkit.store.place import place
from perfkit.store.read import Stored, read
from perfkit.store.schema import TEN_MINUTES

#: Forms that tell what to cache.
WITH_CACHE = ("text", "json", "markdown", "html")

#: Told how many rows of how many were read; None when nobody asks.
Progress = Callable[[int, int], None] | None


def load(settings: Settings, options: Options, progress: Progress = None) -> ReportModel:
    """Read what the options ask for; a store that cannot be read is a note, not an exception.

    Args:
        settings: ``store`` says where to read.
        options: windows, routes, order and limit.
        progress: told how many rows of how many were read.

    Raises:
        BadOption: an option names what the store does not have: a deploy, a finding.
    """
    notes = [] if settings.enabled else ["Recording is off: PERFKIT['ENABLED'] or PERFKIT_DISABLED"]
    database = settings.store
    if database is None:
        return _without("", options, [*notes, "There is no store: PERFKIT['STORE'] is False"])
    name = place(database)
    try:
        model = _Loading(settings, options, progress).model()
    except (StoreError, DatabaseError, ImproperlyConfigured, OSError) as error:
        if isinstance(error, StoreMissing):
            notes.append(f"No data yet: {error}. {_how_to_begin(settings)}")
            return _without(name, options, notes)
        notes.append(f"The store cannot be read: {_one_line(error)}")
        return replace(_without(name, options, notes), readable=False)
    return replace(model, notes=(*notes, *model.notes))


class _Loading:
    """One report from a store that is there."""

    def __init__(self, settings: Settings, options: Options, progress: Progress) -> None:
        self.settings = settings
        self.options = options
        self._progress = progress

    def model(self) -> ReportModel:
        return self._compared() if self.options.compare else self._plain()

    def _plain(self) -> ReportModel:
        options = self.options
        # Nothing finer than a minute is stored: the one in which the window begins counts whole.
        since = int((options.since or 0) // WINDOW_S * WINDOW_S)
        stored = self._read(since, options.until, self._step())
        model = self._built(stored, options)
        if stored.steps:
            newest = stored.steps[-1][0] + stored.step_s
            model = replace(model, last_data=float(min(newest, options.end)))
        if options.explain:
            model = replace(model, explanation=explain(options.explain, model.present, stored))
        elif options.format in WITH_CACHE:
            model = self._with_cache(model, stored, since)
        return self._with_series(model, stored)

    def _with_cache(self, model: ReportModel, stored: Stored, since: float) -> ReportModel:
        told = None
        with isolated("cache advice"):  # the rest of the report stands without it
            told = load_cache(self.settings, since, self.options.until, wanted=self.options.routes)
        if told is None:
            return replace(model, notes=(*model.notes, "The cache advice could not be made"))
        chosen = set(choose(stored.window.routes, self.options.routes))
        advice = tuple(each for each in told.advice if (each.route, each.method) in chosen)
        return replace(model, cache=advice, notes=(*model.notes, *told.notes))

    def _step(self) -> int | None:
        """Return the length of the steps of time that this form shows, None for one without."""
        options = self.options
        if "age" in {**options.thresholds.warning, **options.thresholds.critical}:
            return WINDOW_S
        if not options.explain and options.format != "html":
            return None
        if options.since is None:
            # How old the data are is not known yet; the store makes longer steps of old ones.
            return TEN_MINUTES
        span_s = options.end - options.since
        return history_step(span_s) if options.explain else step_of(span_s)

    def _compared(self) -> ReportModel:
        asked = self.options.compare
        assert asked is not None, "only called for a comparison"
        known = marks(self._database, 0) if asked.sides is None else []
        for windows in candidates(asked, known):
            before = self._read(windows.before.start, windows.before.end, windows.step_s)
            if _reaches(before, windows):
                break
        after = self._read(windows.after.start, windows.after.end, before.step_s)
        if after.step_s != before.step_s:
            before = self._read(windows.before.start, windows.before.end, after.step_s)
        one, other = (
            replace(self.options, since=side.start, until=side.end)
            for side in (windows.before, windows.after)
        )
        model = self._built(after, other)
        halves = (
            self._half(before, build(before, one, self.settings.ignore)),
            self._half(after, model),
        )
        made = compare(windows, *halves, asked.text)
        return self._with_series(replace(model, comparison=made), after)

    def _half(self, stored: Stored, model: ReportModel) -> Half:
        return Half(stored, choose(stored.window.routes, self.options.routes), model.present)

    def _with_series(self, model: ReportModel, stored: Stored) -> ReportModel:
        if self.options.format != "html":
            return model
        keys = [(row.route, row.method) for row in model.routes]
        return replace(model, series=series_of(stored, keys))

    def _built(self, stored: Stored, options: Options) -> ReportModel:
        model = build(stored, options, self.settings.ignore)
        untold = sum(finding_text(stored, each) is None for each in stored.window.findings)
        notes = [*_unmatched(stored, options), *notes_on(model, untold)]
        if stored.first_bucket is None:
            notes = [self._nothing(options), *notes]
        return replace(model, notes=tuple(notes))

    def _nothing(self, options: Options) -> str:
        anything = read(self._database, 0).first_bucket if options.since else None
        if anything is None:
            return f"No data yet. {_how_to_begin(self.settings)}"
        return f"No data in this window; the store has some from {moment(anything)} on"

    @property
    def _database(self) -> dict[str, object]:
        return dict(self.settings.store or {})

    def _read(self, since: float, until: float | None, step_s: int | None) -> Stored:
        return read(self._database, since, until, step_s, self._progress)


def _reaches(before: Stored, windows: Windows) -> bool:
    """Tell whether the store has the first window from its beginning on."""
    first = before.first_bucket
    return first is not None and first <= windows.before.start + 2 * windows.step_s


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
