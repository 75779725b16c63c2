"""Lines of code are read when the report is made, and doubts about them are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfkit.record import Site
from perfkit.report.source import Excerpt, excerpt

LATER = 4e9


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder with a module on sys.path."""
    file = tmp_path / "shop" / "views.py"
    file.parent.mkdir()
    file.write_text("def listed():\n\treturn Product.objects.all()\n")
    monkeypatch.syspath_prepend(tmp_path)
    return file


def test_a_line_is_read_without_its_indent(code: Path) -> None:
    """As recorded: from a folder that code is imported from."""
    assert excerpt(Site("shop/views.py", 2, "listed"), LATER) == Excerpt(
        "return Product.objects.all()"
    )


def test_an_absolute_file_is_read_too(code: Path) -> None:
    """Code outside every such folder is recorded with its whole path."""
    assert excerpt(Site(str(code), 1, "listed"), LATER) == Excerpt("def listed():")


def test_a_file_written_since_is_doubted(code: Path) -> None:
    """Its line may be another than the one that was seen."""
    os.utime(code, (2_000, 2_000))
    assert "changed since" in excerpt(Site("shop/views.py", 1, "listed"), 1_000.0).doubt
    assert excerpt(Site("shop/views.py", 1, "listed"), 3_000.0).doubt == ""


def test_a_line_that_is_gone_is_told(code: Path) -> None:
    """The file is shorter now."""
    assert excerpt(Site("shop/views.py", 3, "listed"), LATER) == Excerpt(
        "", "the file has changed and has no such line now"
    )


@pytest.mark.parametrize("name", ["shop/gone.py", "shop", "", "a\0b", "x" * 5_000])
def test_what_is_no_file_is_told(code: Path, name: str) -> None:
    """A folder, a name from elsewhere, junk."""
    assert excerpt(Site(name, 1, ""), LATER) == Excerpt("", "the file is not found from here")


def test_the_declared_encoding_is_read(code: Path) -> None:
    """Python files may declare one; other files are read as UTF-8 whatever they hold."""
    code.write_bytes("# coding: latin-1\nname = 'é'\n".encode("latin-1"))
    assert excerpt(Site("shop/views.py", 2, ""), LATER).text == "name = 'é'"
    template = code.with_name("page.html")
    template.write_bytes(b"\xff{{ product.name }}\n")
    assert excerpt(Site("shop/page.html", 1, ""), LATER).text == "�{{ product.name }}"


def test_a_file_that_cannot_be_read_is_told(code: Path) -> None:
    """An unknown encoding, or a file too large to be code."""
    code.write_text("# coding: no-such-code\n")
    assert excerpt(Site("shop/views.py", 1, ""), LATER).doubt.startswith("the file cannot be read")
    code.write_bytes(b"")
    os.truncate(code, 6_000_000)
    assert excerpt(Site("shop/views.py", 1, ""), LATER).doubt == "the file is too large to be read"
