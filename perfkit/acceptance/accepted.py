"""Is a finding one that the team lives with? Asked for each access, before accesses merge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from perfkit.acceptance.comments import Comment, comments_by_line, key_of

#: A rule of ``IGNORE``: its keys and patterns, sorted; ``REASON`` is for the reader only.
Rule = tuple[tuple[str, str], ...]

#: Rules and comments whose matches are remembered; a site with more has given up on findings.
_MOST_KEYS = 2_000

_since_start: set[str] = set()
_untaken: set[str] = set()


class Line(Protocol):
    """A line of code, as ``perfkit.record.Site`` has it."""

    @property
    def file(self) -> str:
        """Its file, from the folder that code is imported from."""

    @property
    def line(self) -> int:
        """Its number, from 1."""


class Acceptance:
    """The rules and comments that apply to one record.

    Args:
        ignore: ``settings.ignore``.
        route: the record's route label.
        method: its method; a rule's ``ROUTE`` may begin with one, as reports print it.
    """

    __slots__ = ("_files", "_routes", "_rules")

    def __init__(self, ignore: Sequence[Rule], route: str = "", method: str = "") -> None:
        self._rules = ignore
        # A record names few files many times: each is looked for once.
        self._files: dict[str, Mapping[int, Comment]] = {}
        self._routes = (route, f"{method} {route}") if method else (route,)

    def accepts(self, kind: str, model: str, path: str, sites: Iterable[Line | None]) -> bool:
        """Tell whether a rule or a comment accepts this; remember which did.

        Args:
            kind: the kind that this access has, or would have as a finding of its own.
            model: label of the root model, or ``""``.
            path: ORM path from there; of several, joined by commas, one that matches is enough.
            sites: every line that the finding would name: access, callers, loop, origin.
        """
        lines = {(site.file, site.line) for site in sites if site}
        keys = [
            comment.key
            for comment in (self._comments(file).get(line) for file, line in lines)
            if comment is not None and comment.reason
        ]
        if self._rules:
            told: dict[str, Collection[str]] = {
                "KIND": (kind,),
                "MODEL": (model,),
                "PATH": [each.strip() for each in path.split(",")],
                "ROUTE": self._routes,
                "FILE": {file for file, _ in lines},
            }
            keys += [
                key_of_rule(rule)
                for rule in self._rules
                if all(
                    any(_matches(value, pattern) for value in told[name])
                    for name, pattern in _patterns(rule)
                )
            ]
        # All of them, not the first only: the others would seem to match nothing.
        for key in keys:
            _remember(key)
        return bool(keys)

    def _comments(self, file: str) -> Mapping[int, Comment]:
        found = self._files.get(file)
        if found is None:
            found = self._files[file] = comments_by_line(file)
        return found


def _patterns(rule: Rule) -> Rule:
    return tuple(pair for pair in rule if pair[0] != "REASON")


def _matches(value: str, pattern: str) -> bool:
    # A route may hold what is special in a pattern: ^articles/([0-9]+)/$
    return value == pattern or fnmatchcase(value, pattern)


def key_of_rule(rule: Rule) -> str:
    """Name a rule by what it matches, so that a new reason leaves it the same."""
    return key_of("IGNORE", *(part for pair in _patterns(rule) for part in pair))


def _remember(key: str) -> None:
    for keys in (_since_start, _untaken):
        if len(keys) < _MOST_KEYS:
            keys.add(key)


def matched() -> list[str]:
    """Return the keys of the rules and comments that accepted anything in this process."""
    return sorted(_since_start)


def take_matched() -> list[str]:
    """Return the keys of those that did since the last call, for the store."""
    taken = []
    while _untaken:
        taken.append(_untaken.pop())
    return taken


def forget() -> None:
    """Forget all matches: a new session begins."""
    _since_start.clear()
    _untaken.clear()
