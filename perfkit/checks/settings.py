"""Checks of ``PERFKIT`` itself: its keys, its values, its rules and its analyzers."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from perfkit.conf import (
    ALLOWED,
    FINDING_KINDS,
    OPTIONS,
    RULE_KEYS,
    RULE_NOTE,
    SETTING,
    configured,
    get_settings,
    is_allowed,
)


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check each key and value of ``PERFKIT``."""
    given = configured()
    if not isinstance(given, Mapping):
        return [
            Error(
                f"{SETTING} is {given!r}, not a dict.",
                hint=f"Write {SETTING} = {{...}} with keys from the settings page, or leave it out.",
                id="perfkit.E001",
            )
        ]
    return [*_unknown_keys(given), *_bad_values(given)]


def _unknown_keys(given: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    names = [option.name for option in OPTIONS]
    for key in given:
        if key in names:
            continue
        near = get_close_matches(str(key).upper(), names, n=1, cutoff=0.5)
        yield Error(
            f"{SETTING}[{key!r}] is not a perfkit setting.",
            hint=f"Did you mean {near[0]!r}?" if near else f"Allowed are {', '.join(names)}.",
            id="perfkit.E002",
        )


def _bad_values(given: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for option in OPTIONS:
        value = given.get(option.name, option.default)
        if not is_allowed(option.accepts, value):
            yield Error(
                f"{SETTING}[{option.name!r}] is {value!r}.",
                hint=f"Allowed is {ALLOWED[option.accepts]}; until then it counts as "
                f"{option.default!r}.",
                id="perfkit.E003",
            )


def check_ignore(**kwargs: Any) -> list[CheckMessage]:
    """Check each rule of ``IGNORE``."""
    given = configured()
    rules = given.get("IGNORE", ()) if isinstance(given, Mapping) else ()
    if not is_allowed("rules", rules):
        return []  # told by check_settings
    own_analyzers = any(not path.startswith("perfkit.") for path in get_settings().analyzers)
    return [
        Error(
            f"{SETTING}['IGNORE'][{index}] {fault}.",
            hint=f"{hint} Until then the rule counts for nothing.",
            id="perfkit.E006",
        )
        for index, rule in enumerate(rules)
        for fault, hint in _rule_faults(rule, own_analyzers)
    ]


def _rule_faults(rule: Any, own_analyzers: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule, and what to do."""
    allowed = f"Allowed are {', '.join(RULE_KEYS)}, and {RULE_NOTE} for the reader."
    if not isinstance(rule, Mapping):
        yield f"is {rule!r}, not a dict", allowed
        return
    if set(RULE_KEYS).isdisjoint(rule) and set(rule) <= {RULE_NOTE}:
        yield f"is {rule!r}, which would hide every finding", allowed
    for key, pattern in rule.items():
        if key not in (*RULE_KEYS, RULE_NOTE):
            near = get_close_matches(str(key).upper(), [*RULE_KEYS, RULE_NOTE], n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else allowed
            yield f"has {key!r}, which is no key of a rule", hint
        elif not isinstance(pattern, str) or not pattern:
            yield f"has {pattern!r} as its {key}", "Allowed is a text that is not empty."
        elif key == "KIND" and not own_analyzers and not fnmatch.filter(FINDING_KINDS, pattern):
            near = get_close_matches(pattern, FINDING_KINDS, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Kinds: {', '.join(FINDING_KINDS)}."
            yield f"has the KIND {pattern!r}, which no finding has", hint


def check_analyzers(**kwargs: Any) -> list[CheckMessage]:
    """Check that every analyzer can be imported and called."""
    messages: list[CheckMessage] = []
    for path in get_settings().analyzers:
        try:
            found = callable(import_string(path))
            reason = "it is not callable"
        except ImportError as error:
            found, reason = False, str(error)
        if not found:
            messages.append(
                Error(
                    f"{SETTING}['ANALYZERS'] has {path!r}: {reason}.",
                    hint="Give the dotted path of a function analyze(record, settings).",
                    id="perfkit.E004",
                )
            )
    return messages
