"""Times the view and the rendering of templates while the toolbar looks on: two hooks, else idle.

A record knows when a request began and ended and what it asked of databases and caches. How much of
the rest is middleware, view and template is measured here: around the function that Django calls as
the view, and around the outermost ``Template.render()``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.base import BaseHandler
from django.template.base import Template

#: Renderings kept; a page of thousands of fragments has as many.
MOST_RENDERINGS = 200


class Phases:
    """When the view and the templates of one request ran.

    Attributes:
        view: ``perf_counter()`` seconds at which the view was called and returned; None before.
        renderings: the same for each outermost template, in order; and its name.
        left_out: renderings beyond those kept.
    """

    def __init__(self) -> None:
        self.view: tuple[float, float] | None = None
        self.renderings: list[tuple[float, float, str]] = []
        self.left_out = 0
        self.is_rendering = False

    def rendered(self, started: float, name: Any) -> None:
        """Note one outermost rendering that ends now."""
        if len(self.renderings) < MOST_RENDERINGS:
            self.renderings.append((started, perf_counter(), str(name or "")))
        else:
            self.left_out += 1


#: Those of the running request, None where nobody looks on.
watched: ContextVar[Phases | None] = ContextVar("perfkit_phases", default=None)

_MARK = "_perfkit_timed"


def install() -> None:
    """Put the two hooks in, once in a process."""
    for owner, name, make in (
        (BaseHandler, "make_view_atomic", _timed_views),
        (Template, "render", _timed_render),
    ):
        original = getattr(owner, name)
        if not hasattr(original, _MARK):
            hook = make(original)
            setattr(hook, _MARK, original)
            setattr(owner, name, hook)


def uninstall() -> None:
    """Take them out again."""
    for owner, name in ((BaseHandler, "make_view_atomic"), (Template, "render")):
        original = getattr(getattr(owner, name), _MARK, None)
        if original is not None:
            setattr(owner, name, original)


def _timed_views(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def make_view_atomic(self: Any, view: Any) -> Any:
        """Return the view as the handler calls it, timed; its transaction counts as its own."""
        made = original(self, view)
        phases = watched.get()
        return made if phases is None else _timed(made, phases)

    return make_view_atomic


def _timed(view: Any, phases: Phases) -> Any:
    if iscoroutinefunction(view):

        @wraps(view)
        async def timed_async(*args: Any, **kwargs: Any) -> Any:
            started = perf_counter()
            try:
                return await view(*args, **kwargs)
            finally:
                phases.view = started, perf_counter()

        return timed_async

    @wraps(view)
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            return view(*args, **kwargs)
        finally:
            phases.view = started, perf_counter()

    return timed


def _timed_render(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def render(self: Template, *args: Any, **kwargs: Any) -> Any:
        phases = watched.get()
        if phases is None or phases.is_rendering:
            return original(self, *args, **kwargs)
        phases.is_rendering = True
        started = perf_counter()
        try:
            return original(self, *args, **kwargs)
        finally:
            phases.is_rendering = False
            phases.rendered(started, self.name)

    return render
