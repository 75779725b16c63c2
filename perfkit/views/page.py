"""Renders a page: our templates in an engine of our own, whatever the site's ``TEMPLATES`` are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import Context, Engine
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _

from perfkit.report.html.assets import embedded
from perfkit.views.assets import version_of_all
from perfkit.views.policy import Nonce

_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "templates"
_STYLES: Final = ("tokens.css", "page.css", "plots.css", "report.css", "capture.css")


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    data: Mapping[str, Any] | None = None,
    scripts: tuple[str, ...] = (),
    libraries: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    """Render a page.

    Args:
        request: the request; its CSRF token goes into the forms.
        template: name below ``perfkit/capture/``.
        context: of the template.
        data: what the scripts read, as JSON in the page; ``words`` are added to.
        scripts: modules of ours, beside those of every page.
        libraries: scripts that are no modules, loaded before.
        status: of the answer.
    """
    nonce = Nonce(request)
    language = get_language() or "en"
    words = {"copied": _("Copied"), "notCopied": _("Selected: press Ctrl+C")}
    told = dict(data or {})
    told["words"] = {**words, **told.get("words", {})}
    values = {
        **context,
        "nonce": nonce.text,
        "language": language,
        "direction": "rtl" if get_language_bidi() else "ltr",
        "assets": version_of_all(),
        "styles": _STYLES,
        "scripts": ("theme.js", "copy.js", *scripts),
        "libraries": libraries,
        "csrf_token": get_token(request),
        "data": embedded(told),
    }
    text = _engine().get_template(f"perfkit/capture/{template}").render(Context(values))
    response = HttpResponse(text, status=status)
    nonce.put(response)
    return response


@cache
def _engine() -> Engine:
    return Engine(
        dirs=[str(_TEMPLATES)],
        builtins=["django.templatetags.i18n"],
        autoescape=True,
        # Kept compiled, in DEBUG too: they are part of the package.
        loaders=[
            ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])
        ],
    )
