"""What is shipped of others' JavaScript is what package.json says, unchanged, with its licenses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from perfkit.report.html.assets import STATIC

ROOT = Path(__file__).resolve().parents[2]
VENDOR = STATIC / "vendor"
VERSIONS = json.loads((VENDOR / "versions.json").read_text())


def test_the_file_is_as_it_was_built() -> None:
    """Nobody edits it by hand: `make vendor` builds it."""
    assert sorted(path.name for path in VENDOR.iterdir()) == [
        "LICENSES.txt",
        *sorted(VERSIONS),
        "versions.json",
    ]
    for name, facts in VERSIONS.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == facts["sha256"]


def test_its_versions_are_those_of_the_manifest() -> None:
    """A version raised in package.json is built before it is committed."""
    manifest = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages = {
        name: each for facts in VERSIONS.values() for name, each in facts["packages"].items()
    }
    assert manifest["dependencies"].items() <= packages.items()
    assert {name: lock[f"node_modules/{name}"]["version"] for name in packages} == packages


@pytest.mark.parametrize("name", VERSIONS)
def test_every_package_in_it_has_its_license(name: str) -> None:
    """The text stands beside the file and, because each page is a copy, in the file."""
    licenses = (VENDOR / "LICENSES.txt").read_text()
    head = (VENDOR / name).read_text().partition("*/")[0]
    for package, version in VERSIONS[name]["packages"].items():
        assert f"{package} {version} (" in licenses
        assert f"{package} {version} (" in head
    texts = [each.partition("\n\n")[2] for each in head.split(f"{'-' * 72}\n")[1:]]
    assert all(text.strip() and text in licenses for text in texts)


@pytest.mark.parametrize("name", VERSIONS)
def test_it_needs_no_rights_that_a_strict_policy_denies(name: str) -> None:
    """It makes no code from text, and fetches nothing."""
    script = (VENDOR / name).read_text()
    for word in ("new Function", "eval(", "XMLHttpRequest", "fetch(", "import("):
        assert word not in script


def test_it_is_small_enough_for_every_report() -> None:
    """A report carries it whole: 300 kB is the most that it may weigh."""
    assert (VENDOR / "plot.js").stat().st_size < 300_000
