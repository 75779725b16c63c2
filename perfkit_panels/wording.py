"""Filters of the panels' templates: figures with units, lines of code with a link to the editor."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from perfkit.conf import get_settings
from perfkit.editor import editor_url
from perfkit.report.wording import counted as counted_words
from perfkit.report.wording import duration as duration_words
from perfkit.report.wording import percent as percent_words

register = template.Library()


@register.filter
def duration(ms: float | None) -> str:
    """Write milliseconds with the unit that fits; a dash where they are not known."""
    if ms is None:
        return "–"
    return duration_words(ms) if ms >= 0 else f"−{duration_words(-ms)}"


@register.filter
def percent(share: float | None) -> str:
    """Write a share, 0 to 1, as percent."""
    return percent_words(share)


@register.filter
def counted(number: float, noun: str) -> str:
    """Write a number and its noun."""
    return counted_words(number, noun)


@register.simple_tag
def code_line(file: str, line: int, function: str = "") -> SafeString:
    """Name a line of code; with an editor set, as a link that opens it there."""
    where = format_html('<span class="pk-path">{}</span>:{}', file, line)
    url = editor_url(file, int(line), get_settings())
    if url:
        where = format_html('<a class="pk-editor" href="{}">{}</a>', url, where)
    if not function:
        return where
    return format_html('{} <span class="pk-soft">in {}</span>', where, function)


@register.simple_tag
def address(name: str) -> str:
    """Return the address of one of our views."""
    return reverse(f"djdt:{name}")


@register.filter
def listed(values: Any, separator: str = ", ") -> str:
    """Join texts."""
    return separator.join(map(str, values))
