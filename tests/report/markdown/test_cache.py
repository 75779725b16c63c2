"""The cache advice in Markdown: a list of what to cache, all of it to open, the rest in a table."""

from __future__ import annotations

from perfkit.caching.advice import CacheAdvice
from perfkit.report.markdown.cache import cache
from tests.report_html import made


def told(*advice: CacheAdvice, limit: int = 20) -> str:
    """Write advice."""
    return "\n\n".join(cache(advice or made.caching(), limit))


def test_what_to_cache_is_a_list_with_the_code_inside() -> None:
    """The line says what, for how long, and what it saves; it opens into code, evidence and curve."""
    text = told()
    assert text.startswith(
        "### Caching, by what it would save\n\n1. `GET /products/`: cache it for 5 min; 46 % hits"
    )
    assert "<details><summary><code>GET /products/</code></summary>" in text
    assert (
        "```python\nfrom django.views.decorators.cache import cache_page\n\n\n@cache_page(300)\n```"
        in text
    )
    assert "| 5 min | 46.0 % | 1.2 % | 19.50 |" in text
    assert "1. `GET /b/`: answer 304 where nothing has changed\n" in text


def test_the_rest_is_a_table_that_opens() -> None:
    """Nobody scrolls past what needs no doing."""
    text = told()
    assert "<details><summary>Leave as they are: 2 routes</summary>" in text
    assert (
        "| `GET /account/` | do not cache it | different visitors get different answers |" in text
    )


def test_a_fragment_is_a_template() -> None:
    """GitHub colors it as one."""
    text = told(made.advice(verdict="fragment", code="{% load cache %}"))
    assert "```html\n{% load cache %}\n```" in text


def test_nothing_known_is_nothing_written() -> None:
    """And a site with nothing to do is told so."""
    assert list(cache((), 20)) == []
    assert "No route is worth caching by what was seen." in told(*made.caching()[2:])


def test_no_text_of_the_site_is_markup() -> None:
    """A route may hold bars, backticks and tags."""
    hostile = "</details>|`x`|@someone"
    text = told(made.advice(hostile), made.advice(hostile, verdict="do_not_cache"))
    assert "<code>GET /products/&lt;/details&gt;|`x`|@someone</code>" in text
    assert r"| ``GET /products/</details>\|`x`\|@someone`` | do not cache it" in text


def test_the_limit_cuts() -> None:
    """GitHub takes 65,536 characters in a comment."""
    text = told(limit=1)
    assert "/b/" not in text
    assert "/c/" not in text
