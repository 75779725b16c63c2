"""The code to write for a decision: decorators in the order in which they are right."""

from __future__ import annotations

from keyword import iskeyword
from typing import Final

from perfkit.caching import snippets
from perfkit.caching.verdict import Decision

#: As ``shown`` tells telephones, so that the evidence is of this rule.
_IS_MOBILE: Final = """\
any(
        word in request.headers.get("User-Agent", "").lower()
        for word in ("mobi", "android", "iphone", "ipad")
    )"""

#: Attribute -> the expression that has its value, and the header that it comes with.
_VALUES: Final = {
    "logged_in": ("request.user.is_authenticated", "Cookie"),
    "staff": ("request.user.is_staff", "Cookie"),
    "superuser": ("request.user.is_superuser", "Cookie"),
    "language": ("request.LANGUAGE_CODE", "Accept-Language"),
    "host": ("request.get_host()", ""),
    "scheme": ("request.scheme", ""),
    "mobile": (_IS_MOBILE, "User-Agent"),
}

#: Verdict -> the text for it, where one is enough.
_PLAIN: Final = {
    "cache_page": snippets.PAGE,
    "anonymous_only": snippets.ANONYMOUS_ONLY,
    "fragment": snippets.FRAGMENT,
    "conditional": snippets.CONDITIONAL,
    "cached_sessions": snippets.SESSIONS,
    "cdn": snippets.CDN,
}

#: What a fragment or a query is kept for, where no timeout was replayed. Seconds.
_SOME_TIME_S: Final = 60


def code(decision: Decision, route: str) -> str:
    """Return what to write, ``""`` where nothing is.

    Args:
        decision: as decided.
        route: the route's label, which the view is named after where its own name is not known.
    """
    view = _view_name(route)
    chosen = decision.saving.chosen if decision.saving is not None else None
    timeout = chosen.timeout_s if chosen is not None else _SOME_TIME_S
    if "already_cached" in decision.reasons:
        return ""
    if decision.verdict == "cache_page_vary":
        return _varied(decision, timeout, view)
    if decision.verdict == "low_level":
        return _low_level(decision).format(timeout=timeout, view=view)
    if {"tracking_parameters", "parameter_order"} & {*decision.reasons}:
        ignored = sorted(decision.without)
        return snippets.STRIPPED.format(timeout=timeout, view=view, ignored=ignored)
    return _PLAIN.get(decision.verdict, "").format(timeout=timeout, view=view)


def _low_level(decision: Decision) -> str:
    if "query_repeats" in decision.reasons:
        return snippets.QUERY
    return snippets.INSIDE if "check_each" in decision.reasons else snippets.LOGIN


def _varied(decision: Decision, timeout: int, view: str) -> str:
    found = decision.explanation
    if found is None:
        return snippets.COOKIE.format(timeout=timeout, view=view)
    # Up to Django 6.0 the values of several headers run together in the key, and may collide there.
    if not found.also and _is_in_key(found.attribute):
        on = decision.saving.policy.on if decision.saving is not None else ()
        headers = ", ".join(repr(_titled(each)) for each in on or (found.attribute,))
        return snippets.HEADERS.format(timeout=timeout, view=view, headers=headers)
    values, names = zip(*map(_value_of, found.attributes), strict=True)
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    varies_on = "".join(f", {name!r}" for name in dict.fromkeys(names) if name)
    return snippets.BY_VALUE.format(timeout=timeout, view=view, value=value, varies_on=varies_on)


def _is_in_key(attribute: str) -> bool:
    """Tell whether Django's key is made of it once ``Vary`` names it.

    With USE_I18N the language in force stands for ``Accept-Language``, whatever else that header says.
    """
    return attribute.startswith("header:") and attribute != "header:accept-language"


def _value_of(attribute: str) -> tuple[str, str]:
    """Return the expression that has an attribute's value, and the header that it comes with."""
    kind, _, name = attribute.partition(":")
    if kind == "header":
        return f"request.headers.get({_titled(attribute)!r})", _titled(attribute)
    if kind == "cookie":
        return f"request.COOKIES.get({name!r})", "Cookie"
    return _VALUES[attribute]


def _titled(attribute: str) -> str:
    return "-".join(part.capitalize() for part in attribute.removeprefix("header:").split("-"))


def _view_name(route: str) -> str:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in route).split()
    name = "_".join(word for word in words if word not in ("int", "slug", "str", "uuid", "path"))
    name = name.lower()
    return name if name.isidentifier() and not iskeyword(name) else "view"
