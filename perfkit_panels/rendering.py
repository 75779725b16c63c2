"""Renders the templates of the panels, by an engine of our own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine


@cache
def engine() -> Engine:
    """Return an engine of our own: the panels need no entry in ``INSTALLED_APPS``."""
    return Engine(
        dirs=[str(Path(__file__).parent / "templates")],
        libraries={"i18n": "django.templatetags.i18n"},
        builtins=["perfkit_panels.wording"],
    )


def rendered(template: str, context: dict[str, Any]) -> str:
    """Render a template of ours; everything in it is escaped."""
    made = engine().get_template(f"perfkit_panels/{template}")
    return str(made.render(Context(context, autoescape=True)))
