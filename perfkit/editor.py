"""The URL by which a line of code opens in the developer's editor, on the developer's machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from perfkit.acceptance.files import find
from perfkit.conf import EDITORS, Settings


def editor_url(file: str, line: int, settings: Settings) -> str:
    """Return the URL that opens a line; ``""`` without an editor, or where the file is not found.

    Args:
        file: as recorded, from the folder that it is imported from.
        line: from 1.
        settings: ``editor`` and ``editor_paths`` are read.
    """
    if not settings.editor:
        return ""
    found = find(file)
    if found is None:
        return ""
    pattern = EDITORS.get(settings.editor, settings.editor)
    path = quote(_there(found.resolve(), settings.editor_paths), safe="/:")
    if path.startswith("/"):  # elsewhere a drive's letter stands there
        pattern = pattern.replace("/{path}", "{path}")
    # Not str.format(): a pattern is a setting, and may hold other braces.
    return pattern.replace("{path}", path).replace("{line}", str(line))


def _there(path: Path, pairs: tuple[tuple[str, str], ...]) -> str:
    """Return where a file lies for the developer: in the folder that stands for the nearest one here."""
    fitting = [(here, there) for here, there in pairs if path.is_relative_to(here)]
    if not fitting:
        return path.as_posix()
    here, there = max(fitting, key=lambda pair: len(Path(pair[0]).parts))
    return f"{there.rstrip('/')}/{path.relative_to(here).as_posix()}"
