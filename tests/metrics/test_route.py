"""Labels of routes: what Django matched, told apart, in few and stable words."""

from __future__ import annotations

import re
import threading
from collections import UserString
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import ResolverMatch, URLResolver, include, path, re_path
from django.urls.resolvers import RegexPattern
from django.utils import translation
from django.utils.translation import gettext_lazy

from perfkit.metrics import route
from perfkit.metrics.route import LABEL_LIMIT, METHODS, method_label, route_label


def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer anything."""
    return HttpResponse()


def match_of(patterns: Sequence[Any], url: str) -> ResolverMatch:
    """Resolve a URL as a request does."""
    return URLResolver(RegexPattern(r"^/"), list(patterns)).resolve(url)


def label_of(patterns: Sequence[Any], url: str) -> str:
    """Label a URL that was answered with 200."""
    return route_label(match_of(patterns, url), 200)


@pytest.mark.parametrize(
    ("pattern", "url", "label"),
    [
        (path("", view), "/", "/"),
        (path("products/<int:pk>/", view), "/products/7/", "/products/<int:pk>/"),
        (path("feed.xml", view), "/feed.xml", "/feed.xml"),
        (path("shop/", include([path("<slug:s>/", view)])), "/shop/hat/", "/shop/<slug:s>/"),
        (re_path(r"^(?:old|new)/([a-z]+)$", view), "/old/x", "/(?:old|new)/([a-z]+)"),
        (re_path(r"^api/", include([path("<int:i>/", view)])), "/api/1/", "/api/<int:i>/"),
        (path("shop/", include([re_path(r"^x/\Z", view)])), "/shop/x/", "/shop/x/"),
        (re_path(r"^price\$", view), "/price$", r"/price\$.*"),
        (re_path(r"^(?P<year>[0-9]{4})/$", view), "/2026/", "/(?P<year>[0-9]{4})/"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_label_is_the_pattern_as_a_path(pattern: Any, url: str, label: str) -> None:
    """A reader finds the label in the URLconf; anchors are left off."""
    assert label_of([pattern], url) == label


def test_an_open_regex_is_not_the_path_it_begins_with() -> None:
    """A catch-all beside a home page, both with an empty route, are two routes."""
    patterns = [path("", view), path("docs/", view), re_path("^docs/", view), re_path("", view)]
    labels = [label_of(patterns, url) for url in ("/", "/docs/", "/docs/a", "/else")]
    assert labels == ["/", "/docs/", "/docs/.*", "/.*"]


def test_same_text_in_two_namespaces_is_one_label() -> None:
    """The label says which URL was asked, not which view answered."""
    first = include(([path("<int:pk>/", view)], "app"), namespace="one")
    second = include(([path("<int:pk>/", view, name="x")], "app"), namespace="two")
    assert label_of([path("a/", first)], "/a/1/") == label_of([path("a/", second)], "/a/2/")


@pytest.mark.parametrize(
    ("status", "label"), [(404, "_404"), (301, "_unrouted"), (200, "_unrouted")]
)
def test_without_a_match_the_status_decides(status: int, label: str) -> None:
    """Nothing matched, or a middleware answered before anything was looked up."""
    assert route_label(None, status) == label


def test_a_view_that_answers_404_keeps_its_route() -> None:
    """A missing product is not a missing page."""
    match = match_of([path("products/<int:pk>/", view)], "/products/0/")
    assert route_label(match, 404) == "/products/<int:pk>/"


def test_languages_share_one_label() -> None:
    """A page under i18n_patterns is one route, whatever the language."""
    patterns = i18n_patterns(path("p/<int:i>/", view), path("", view))
    for language in ("en", "fr", "pt-br"):
        with translation.override(language):
            assert label_of(patterns, f"/{language}/p/1/") == "/<lang>/p/<int:i>/"
            assert label_of(patterns, f"/{language}/") == "/<lang>/"


def test_the_default_language_without_a_prefix_shares_it_too() -> None:
    """``prefix_default_language=False`` hides the prefix of one language only."""
    patterns = i18n_patterns(path("p/", view), re_path("^q/$", view), prefix_default_language=False)
    with override_settings(LANGUAGE_CODE="en"):
        for language, prefix in (("en", ""), ("fr", "/fr")):
            with translation.override(language):
                assert label_of(patterns, f"{prefix}/p/") == "/<lang>/p/"
                assert label_of(patterns, f"{prefix}/q/") == "/<lang>/q/"


def test_a_literal_that_looks_like_a_language_stays() -> None:
    """Only Django's own prefix is folded: ``en/`` written by hand is a word like any other."""
    patterns = [path("en/p/", view), *i18n_patterns(path("q/", view))]
    with translation.override("en"):
        assert label_of(patterns, "/en/p/") == "/en/p/"
        assert label_of(patterns, "/en/q/") == "/<lang>/q/"


def test_a_translated_pattern_has_one_label() -> None:
    """The text in the URLconf names it, in the language of no visitor."""
    patterns = i18n_patterns(path(gettext_lazy("Monday"), view))
    with translation.override("fr"):
        match = match_of(patterns, "/fr/lundi")
    assert route_label(match, 200) == "/<lang>/Monday"


def test_another_thread_in_another_language_gives_the_same_label() -> None:
    """The label is made after the request, in the flusher's thread."""
    with translation.override("fr"):
        match = match_of(i18n_patterns(path("threaded/", view)), "/fr/threaded/")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(route_label(match, 200)))
    thread.start()
    thread.join()
    assert found == ["/<lang>/threaded/"]
    assert translation.get_language() == "en-us"


def test_a_match_made_by_hand_is_labelled_by_its_text() -> None:
    """A test or a resolver of its own may tell nothing but the route."""
    match = ResolverMatch(view, (), {}, route=r"^(?:old|new)/([a-z]+)$")
    assert route_label(match, 200) == "/(?:old|new)/([a-z]+)"
    assert route_label(ResolverMatch(view, (), {}), 200) == "/"


def test_a_long_pattern_is_cut_and_stays_distinct() -> None:
    """A label fits a table and a column; what was cut off still tells two apart."""
    words = "|".join(f"word{number}" for number in range(100))
    one, two = (label_of([re_path(f"^({words}|{end})$", view)], f"/{end}") for end in ("x", "y"))
    assert len(one) <= LABEL_LIMIT
    assert one != two
    assert one.startswith("/(word0|word1|")


def test_a_verbose_pattern_is_one_line() -> None:
    """Newlines inside a regular expression do not break a report's line."""
    label = label_of([re_path("(?x)^ a \n\t b /$", view)], "/ab/")
    assert re.fullmatch(r"/\(\?x\)\^ a b /~[0-9a-f]{12}", label)


def test_labels_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that makes URLconfs on the fly does not fill the memory."""
    monkeypatch.setattr(route, "_CACHE_LIMIT", 10)
    for number in range(50):
        match = ResolverMatch(view, (), {}, route=f"made/{number}/")
        assert route_label(match, 200) == f"/made/{number}/"
        assert len(route._labels) <= 10


class CountedText(UserString):
    """A pattern's text that counts how often it is read."""

    reads = 0

    def __str__(self) -> str:
        CountedText.reads += 1
        return self.data


def test_a_known_route_is_not_worked_out_again() -> None:
    """The pattern's text is read once: afterwards a label is one lookup."""
    text: Any = CountedText("counted/")
    patterns = i18n_patterns(path(text, view))
    with translation.override("en"):
        match = match_of(patterns, "/en/counted/")
    CountedText.reads = 0
    assert {route_label(match, 200) for _ in range(5)} == {"/<lang>/counted/"}
    assert CountedText.reads == 1


@pytest.mark.parametrize("method", sorted(METHODS))
def test_known_methods_stay(method: str) -> None:
    """The methods of HTTP are nine."""
    assert method_label(method) == method


@pytest.mark.parametrize("method", [None, "", "get", "BREW", "GET\n", "_OTHER"])
def test_any_other_method_is_one_name(method: str | None) -> None:
    """A client may send any word, and must not make a series of it."""
    assert method_label(method) == "_OTHER"
