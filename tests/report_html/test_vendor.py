"""What is shipped of others' JavaScript is what package.json says, unchanged, with its licenses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

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


def test_every_package_in_it_has_its_license() -> None:
    """The text stands beside the file and, because each report is a copy, in the file."""
    licenses = (VENDOR / "LICENSES.txt").read_text()
    script = (VENDOR / "plot.js").read_text()
    assert licenses in script
    for name, version in VERSIONS["plot.js"]["packages"].items():
        assert f"{name} {version} (" in licenses


def test_it_needs_no_rights_that_a_strict_policy_denies() -> None:
    """It makes no code from text, and fetches nothing."""
    script = (VENDOR / "plot.js").read_text()
    for word in ("new Function", "eval(", "XMLHttpRequest", "fetch(", "import("):
        assert word not in script


def test_it_is_small_enough_for_every_report() -> None:
    """A report carries it whole: 300 kB is the most that it may weigh."""
    assert (VENDOR / "plot.js").stat().st_size < 300_000
