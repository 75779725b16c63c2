"""Recorded files are found again, from the folders that code is imported from."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfkit.acceptance.files import find, locate, text_of


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder with a module on sys.path."""
    file = tmp_path / "shop" / "views.py"
    file.parent.mkdir()
    file.write_text("def listed(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def test_a_file_is_found_by_its_recorded_name(code: Path) -> None:
    """From a folder that code is imported from; outside every such folder the path is whole."""
    assert find("shop/views.py") == find(str(code)) == code


def test_the_working_folder_counts_too(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script's own folder may be no other entry of sys.path."""
    monkeypatch.chdir(code.parent)
    assert find("views.py") == Path("views.py")


def test_its_size_and_age_come_along(code: Path) -> None:
    """By which a caller knows that it has changed."""
    found = locate("shop/views.py")
    assert found is not None
    assert found[1].st_size == code.stat().st_size
    assert found[1].st_mtime_ns == code.stat().st_mtime_ns


@pytest.mark.parametrize("name", ["shop/gone.py", "shop", "", "a\0b", "x" * 5_000])
def test_what_is_no_file_is_not_found(code: Path, name: str) -> None:
    """A folder, a name from elsewhere, junk."""
    assert find(name) is None


def test_python_declares_its_encoding_and_the_rest_is_utf_8(code: Path) -> None:
    """What is not UTF-8 all the same is read as far as it is."""
    code.write_bytes("# coding: latin-1\nname = 'é'\n".encode("latin-1"))
    assert "é" in text_of(code)
    template = code.with_name("page.html")
    template.write_bytes(b"\xff{{ product.name }}\n")
    assert text_of(template) == "�{{ product.name }}\n"
