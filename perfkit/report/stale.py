"""Which rules of ``IGNORE`` and which comments accept nothing any more?"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.template import engines

from perfkit.acceptance.accepted import Rule, key_of_rule
from perfkit.acceptance.comments import comments_in
from perfkit.acceptance.files import LARGEST_BYTES, text_of
from perfkit.capture.places import Owner, owner_of, short_name
from perfkit.conf import Settings, project_folder

#: Files read at most: a folder with more than these is no project.
MOST_FILES = 100_000

#: What a comment can stand in; other files are not opened.
_SUFFIXES = frozenset(
    (".py", ".html", ".htm", ".txt", ".xml", ".md", ".jinja", ".jinja2", ".j2", ".djhtml")
)
#: Folders of other people's code. One that was named itself is read all the same.
_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "dist-packages"))


@dataclass(frozen=True, slots=True)
class Stale:
    """A rule or a comment that can go, or has to be mended.

    Attributes:
        where: file and line, or the setting.
        what: the comment or the rule as written.
        why: what is wrong with it.
    """

    where: str
    what: str
    why: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.what, self.why)))


def stale(
    matched: Collection[str], ignore: Iterable[Rule], folders: Iterable[Path | str]
) -> Iterator[Stale]:
    """Yield each rule and comment that is not among those that accepted something.

    Args:
        matched: keys of those that did, from ``accepted.matched()`` or a store.
        ignore: ``settings.ignore``.
        folders: where to look for comments.
    """
    for rule in ignore:
        if key_of_rule(rule) not in matched:
            yield Stale("PERFKIT['IGNORE']", str(dict(rule)), "accepted nothing")
    left = MOST_FILES
    for path in source_files(folders):
        left -= 1
        if left < 0:
            yield Stale(str(path.parent), "", f"not read: more than {MOST_FILES:,} files")
            return
        for comment in comments_in(short_name(str(path)), _text(path)):
            where = f"{comment.file}:{comment.line}"
            if not comment.reason:
                yield Stale(where, comment.text, "accepts nothing without a reason: ok[reason]")
            elif comment.key not in matched:
                yield Stale(where, comment.text, "accepted nothing")


def own_folders(settings: Settings) -> list[Path]:
    """Return the folders of the site's own code and templates; one may lie below another."""
    found = [
        project_folder(),
        *(config.path for config in apps.get_app_configs()),
        *(folder for engine in engines.templates.values() for folder in engine["DIRS"]),
    ]
    own = [Path(folder).absolute() for folder in found]
    own = [folder for folder in own if owner_of(str(folder / "any.py")) is Owner.SITE]
    named = [Path(folder).absolute() for folder in settings.user_paths]
    return list(dict.fromkeys((*own, *named)))


def source_files(folders: Iterable[Path | str]) -> Iterator[Path]:
    """Yield each file that a comment can stand in, once, without environments and packages."""
    seen: set[str] = set()
    for root in folders:
        for folder, inner, names in os.walk(Path(root).absolute()):
            if folder in seen:
                inner.clear()
                continue
            seen.add(folder)
            inner[:] = sorted(name for name in inner if not _is_foreign(folder, name))
            for name in sorted(names):
                if Path(name).suffix in _SUFFIXES:
                    yield Path(folder, name)


def _is_foreign(folder: str, name: str) -> bool:
    return name in _SKIPPED or name.startswith(".") or Path(folder, name, "pyvenv.cfg").exists()


def _text(path: Path) -> str:
    try:
        return "" if path.stat().st_size > LARGEST_BYTES else text_of(path)
    except (OSError, SyntaxError, ValueError):
        return ""
