"""The documents and the code say the same: names, commands, links, versions, docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import docutils.core
import docutils.utils
import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import perfkit
import perfkit_panels
from perfkit.checks import IDS
from perfkit.conf import FINDING_KINDS, OPTIONS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [Path(package.__path__[0]) for package in (perfkit, perfkit_panels)]
SOURCES = [path for folder in PACKAGES for path in sorted(folder.rglob("*.py"))]
PAGES = sorted([*ROOT.glob("docs/**/*.rst"), *ROOT.glob("docs/**/*.md")])
AT_ROOT = [ROOT / name for name in ("README.rst", "CHANGELOG.rst", "CONTRIBUTING.rst")]
DOCS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

CHECK_ID = re.compile(r"perfkit\.[CEIW]\d{3}")
MAKE = re.compile(r"(?:``|`|\$ |^ +)make ([a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
#: `text <target>`_ in reStructuredText and [text](target) in Markdown.
LINK = re.compile(r"`[^`<]*<([^`>]+)>`__?|\[[^\]]*\]\(([^)\s]+)\)")


def tree(path: Path) -> ast.Module:
    """Parse a source file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path: Path) -> str:
    """Name a file as the tests' reports show it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def panel_names() -> set[str]:
    """Return every panel of perfkit_panels that a site may put into its toolbar."""
    return {
        node.name
        for path in PACKAGES[1].glob("*.py")
        for node in tree(path).body
        if isinstance(node, ast.ClassDef) and any("Panel" in ast.unparse(b) for b in node.bases)
    }


def without_docstring(path: Path) -> Iterator[str]:
    """Name the public functions, classes and methods of a file that say nothing."""
    module = tree(path)
    if not ast.get_docstring(module):
        yield f"{named(path)}:1"
    bodies: list[list[ast.stmt]] = [module.body]
    while bodies:
        for node in bodies.pop():
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            decorators = " ".join(ast.unparse(each) for each in node.decorator_list)
            explained_elsewhere = "overload" in decorators or ".setter" in decorators
            if node.name.startswith("_") or explained_elsewhere:
                continue
            if not ast.get_docstring(node):
                yield f"{named(path)}:{node.lineno} {node.name}"
            if isinstance(node, ast.ClassDef) and node.name != "Meta":
                bodies.append(node.body)


@pytest.mark.parametrize("option", [option.name for option in OPTIONS])
def test_every_setting_is_documented(option: str) -> None:
    """A key of PERFKIT that the docs do not name does not exist for a reader."""
    assert re.search(rf"\b{option}\b", DOCS), f"docs/ does not name the setting {option}"


@pytest.mark.parametrize("option", [option.name for option in OPTIONS])
def test_every_setting_says_what_it_does(option: str) -> None:
    """The line of help in conf.py is a sentence."""
    (found,) = [each for each in OPTIONS if each.name == option]
    assert found.help.endswith(".")
    assert found.help[0].isupper()


def test_every_default_analyzer_is_documented() -> None:
    """The docs name each analyzer that runs unasked, by the path to write in the setting."""
    (analyzers,) = [option.default for option in OPTIONS if option.name == "ANALYZERS"]
    assert [path for path in analyzers if path not in DOCS] == []


def test_every_finding_kind_is_documented() -> None:
    """A kind is what users filter and act on, so the docs say what it means."""
    assert [kind for kind in sorted(FINDING_KINDS) if f"``{kind}``" not in DOCS] == []


def test_every_panel_is_documented() -> None:
    """The docs name each panel, by the name to write in DEBUG_TOOLBAR_PANELS."""
    panels = panel_names()
    assert panels, "no panel was found in perfkit_panels"
    assert [name for name in sorted(panels) if name not in DOCS] == []


def test_every_check_id_is_given_once_and_documented() -> None:
    """An id that two checks share, or that the table or the docs lack, cannot be looked up."""
    given = [
        keyword.value.value
        for path in SOURCES
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "id"
        and isinstance(keyword.value, ast.Constant)
        and CHECK_ID.fullmatch(str(keyword.value.value))
    ]
    assert sorted(given) == sorted(IDS)
    assert sorted(IDS) == sorted(set(CHECK_ID.findall(DOCS)))


@pytest.mark.parametrize("name", [name for name in perfkit.__all__ if not name.startswith("_")])
def test_every_public_name_is_documented(name: str) -> None:
    """What `import perfkit` offers, the docs explain."""
    assert re.search(rf"\bperfkit\.{name}\b", DOCS)


def test_options_of_perfreport_are_documented() -> None:
    """Each option that `perfreport --help` lists beyond Django's own is in the docs."""
    ours, djangos = (
        set(re.findall(r"--[a-z][a-z-]*", command.create_parser("manage.py", "x").format_help()))
        for command in (load_command_class("perfkit", "perfreport"), BaseCommand())
    )
    assert {"--since", "--format"} <= ours
    assert [option for option in sorted(ours - djangos) if option not in DOCS] == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_public_name_has_a_docstring(path: Path) -> None:
    """A reader who meets a public name anywhere learns there what it is."""
    assert list(without_docstring(path)) == []


def test_commands_in_the_documents_exist() -> None:
    """Every `make` that a reader is told to type is in the Makefile, the two of the README too."""
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    told = {page: set(MAKE.findall(page.read_text(encoding="utf-8"))) for page in AT_ROOT + PAGES}
    assert {"demo", "test"} <= told[ROOT / "README.rst"]
    assert {named(page): found - targets for page, found in told.items() if found - targets} == {}


@pytest.mark.parametrize("page", AT_ROOT + PAGES, ids=named)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    """A link inside the project names a file that is there."""
    targets = [a or b for a, b in LINK.findall(page.read_text(encoding="utf-8"))]
    inside = [each for each in targets if not re.match(r"[a-z]+:|#", each)]
    assert [each for each in inside if not (page.parent / each.split("#")[0]).exists()] == []


@pytest.mark.parametrize(
    "page", [page for page in AT_ROOT + PAGES if page.suffix == ".rst"], ids=named
)
def test_pages_are_right_markup(page: Path) -> None:
    """Package indexes show a page with an error in its markup as plain text."""
    docutils.core.publish_doctree(
        page.read_text(encoding="utf-8"),
        source_path=str(page),
        settings_overrides={
            "halt_level": docutils.utils.Reporter.WARNING_LEVEL,
            "report_level": docutils.utils.Reporter.SEVERE_LEVEL,
            "file_insertion_enabled": False,
        },
    )


def test_changelog_tells_of_this_version() -> None:
    """A release is written down before it is made."""
    changelog = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(perfkit.__version__)}\b", changelog, re.MULTILINE)
