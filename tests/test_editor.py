"""Links that open a line in the developer's editor: each editor, a container's folders, odd paths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfkit.conf import EDITORS, get_settings, is_allowed
from perfkit.editor import editor_url


def url(file: str, line: int = 3, **options: Any) -> str:
    """Return the link with these settings."""
    return editor_url(file, line, replace(get_settings(), **options))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a module where code is imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "app" / "a b&c.py"
    path.parent.mkdir()
    path.write_text("pass\n")
    return path


@pytest.mark.parametrize("name", sorted(EDITORS))
def test_every_editor_gets_path_and_line(file: Path, name: str) -> None:
    """What is special in a URL is quoted."""
    link = url("app/a b&c.py", editor=name)
    assert link.startswith(EDITORS[name].split(":")[0] + ":")
    assert f"{file.parent}/a%20b%26c.py" in link
    assert link.endswith("3")


def test_folders_of_a_container_become_the_developers(file: Path) -> None:
    """The nearest folder counts; what lies in none of them stays as it is."""
    folder = str(file.parent.parent)
    pairs = ((folder, "/home/anna/shop/"), (f"{folder}/app", "C:/shop/app"), (f"{folder}x", "/no"))
    assert url("app/a b&c.py", editor="x:{path}#{line}", editor_paths=pairs) == (
        "x:C:/shop/app/a%20b%26c.py#3"
    )
    assert url("app/a b&c.py", editor="x:{path}", editor_paths=pairs[:1]) == (
        "x:/home/anna/shop/app/a%20b%26c.py"
    )
    assert url("app/a b&c.py", editor="x:{path}", editor_paths=pairs[2:]).startswith(f"x:{folder}")


def test_without_an_editor_or_a_file_there_is_no_link(file: Path) -> None:
    """A template of a string, a file that is gone: text, not a link that opens nothing."""
    assert url("app/a b&c.py", editor=None) == ""
    assert url("app/gone.py", editor="vscode") == ""
    assert url("\0", editor="vscode") == ""


@pytest.mark.parametrize("value", [None, "vscode", "my+ed:{path}", "ed://x?{path}&{line}&{other}"])
def test_editors_that_are_allowed(value: Any) -> None:
    """A name, a URL with a place for the path, or none."""
    assert is_allowed("editor", value) is (value != "my+ed:{path}")


@pytest.mark.parametrize(
    "value", ["emax", "javascript:alert('{path}')", "data:{path}", "//x/{path}", "ed://x", 3, ""]
)
def test_editors_that_are_not_allowed(value: Any) -> None:
    """Nothing that would run in the page, and nothing that opens no file."""
    assert not is_allowed("editor", value)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [((), True), ([("/a", "/b")], True), ((["/a", "/b"],), True), (("/a", "/b"), False),
     ([("/a",)], False), ([("", "/b")], False), ("/a", False), ([("/a", 3)], False)],
)  # fmt: skip
def test_pairs_of_folders(value: Any, allowed: bool) -> None:
    """Pairs of texts that are not empty."""
    assert is_allowed("pairs", value) is allowed
