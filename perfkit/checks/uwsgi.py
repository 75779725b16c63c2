"""Checks that uWSGI lets Python's threads run: by itself it does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from configparser import Error as IniError
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from perfkit.conf import project_folder

#: Any of these lets threads run.
_THREADS = ("enable-threads", "threads")
#: A folder with more such files than this is no project's root.
_MOST_FILES = 50
_FALSE = ("", "0", "false", "no", "off")


def check_uwsgi(**kwargs: Any) -> list[CheckMessage]:
    """Check the uWSGI that this process runs in, else the project's ``.ini`` files."""
    options = getattr(sys.modules.get("uwsgi"), "opt", None)
    if isinstance(options, dict):
        plain = {_text(key): _text(value) for key, value in options.items()}
        without = [] if _has_threads(plain) else ["uWSGI"]
    else:
        without = [str(path) for path, given in _ini_files() if not _has_threads(given)]
    return [
        CheckWarning(
            f"{name} runs without enable-threads: Python's threads stand still between requests, "
            "perfkit's too, which then writes at the end of a request.",
            hint="Add enable-threads = true, or threads = 2 or more.",
            id="perfkit.W013",
        )
        for name in without
    ]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _has_threads(options: dict[str, str]) -> bool:
    return any(options.get(name, "").strip().lower() not in _FALSE for name in _THREADS)


def _ini_files() -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the options of each ``.ini`` file with a ``[uwsgi]`` section."""
    for path in sorted(project_folder().glob("*.ini"))[:_MOST_FILES]:
        # uWSGI lets a key stand several times and without a value.
        parser = RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, IniError, UnicodeError):
            continue
        if parser.has_section("uwsgi"):
            given: list[tuple[str, str | None]] = [*parser.items("uwsgi")]
            yield path, {key: "true" if value is None else value for key, value in given}
