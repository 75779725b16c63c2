"""Build what perfkit ships of others' JavaScript: Observable Plot and d3-flame-graph, a script each without a network.

`make vendor` runs it after a version in package.json was changed (`npm install --package-lock-only` renews the lock).
It writes into perfkit/static/perfkit/vendor: the scripts, the licences of everything inside them, and versions.json,
which a test holds against package.json and the files. Only the parts that our modules name are built in.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import node_packages

VENDOR = node_packages.ROOT / "perfkit/static/perfkit/vendor"


@dataclass(frozen=True)
class Bundle:
    """One script: its name, what it exports, and how esbuild is to write it."""

    name: str
    entry: str
    options: tuple[str, ...]


#: What our modules use of Plot. A name more may bring a package more: look at what versions.json then lists.
PARTS = (
    "barX",
    "lineY",
    "plot",
    "pointer",
    "pointerX",
    "pointerY",
    "rect",
    "rectY",
    "ruleX",
    "ruleY",
    "text",
    "tickX",
    "tip",
)
BUNDLES = (
    Bundle(
        "plot.js",
        f'export {{ {", ".join(PARTS)} }} from "@observablehq/plot";\n',
        ("--format=iife", "--global-name=Plot"),
    ),
    Bundle(
        "flamegraph.js",
        'export { default as flamegraph } from "d3-flame-graph";\n'
        'export { select } from "d3-selection";\n',
        # It knows its own nodes by the name of their constructor; its colors are ours.
        ("--format=esm", "--keep-names", "--loader:.css=empty"),
    ),
)
RULE = "-" * 72
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")


def main() -> int:
    """Build, gather the licences, note the versions; say what came of it."""
    folder = node_packages.install()
    VENDOR.mkdir(parents=True, exist_ok=True)
    versions = {}
    everything: set[str] = set()
    for bundle in BUNDLES:
        script, packages = _built(bundle, folder)
        everything.update(packages)
        (VENDOR / bundle.name).write_text(script, "ascii")
        versions[bundle.name] = {
            "sha256": hashlib.sha256(script.encode()).hexdigest(),
            "packages": {name: _manifest(folder, name)["version"] for name in packages},
        }
        where = VENDOR.relative_to(node_packages.ROOT)
        print(f"{where}/{bundle.name}: {len(script):,} bytes of {len(packages)} packages")
    (VENDOR / "LICENSES.txt").write_text(_licenses(folder, sorted(everything)), "ascii")
    (VENDOR / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
    return 0


def _built(bundle: Bundle, folder: Path) -> tuple[str, list[str]]:
    """Return a script with its licenses, and the packages in it."""
    stem = bundle.name.removesuffix(".js")
    entry = folder / f"{stem}-entry.js"
    entry.write_text(bundle.entry)
    made, listing = folder / bundle.name, folder / f"{stem}-parts.json"
    subprocess.run(
        [
            folder / "node_modules/.bin/esbuild",
            entry.name,
            "--bundle",
            "--minify",
            *bundle.options,
            "--target=es2022",
            "--charset=ascii",  # the report is written in ASCII, whatever the terminal's encoding
            "--legal-comments=none",  # the head of our file holds all licenses, whole
            f"--metafile={listing.name}",
            f"--outfile={made.name}",
            "--log-level=warning",
        ],
        cwd=folder,
        check=True,
    )
    inputs = next(iter(json.loads(listing.read_text())["outputs"].values()))["inputs"]
    packages = sorted(
        {name for path, part in inputs.items() if part["bytesInOutput"] for name in _package(path)}
    )
    # esbuild leaves them in regular expressions, where an escape means the same.
    script = NOT_ASCII.sub(lambda char: f"\\u{ord(char[0]):04x}", made.read_text("utf-8"))
    # Every copy has to carry them, so every report that the script is written into.
    script = f"/* Built by scripts/vendor.py from:\n{_licenses(folder, packages)}*/\n{script}"
    return script, packages


def _package(path: str) -> list[str]:
    return PACKAGE.findall(path)[-1:]


def _manifest(folder: Path, name: str) -> dict[str, str]:
    file = folder / "node_modules" / name / "package.json"
    found: dict[str, str] = json.loads(file.read_text())
    return found


def _licenses(folder: Path, packages: list[str]) -> str:
    """Return every text once, below the packages that it is of."""
    of: dict[str, list[str]] = {}
    for name in packages:
        manifest = _manifest(folder, name)
        texts = sorted((folder / "node_modules" / name).glob("LICEN[CS]E*"))
        if not texts:
            raise SystemExit(f"{name} ships no license file: its terms cannot be passed on")
        text = texts[0].read_text().strip()
        if "*/" in text or not text.isascii():
            raise SystemExit(f"{name}: its license cannot stand in a comment of ASCII")
        of.setdefault(text, []).append(f"{name} {manifest['version']} ({manifest['license']})")
    return "".join(f"{RULE}\n{', '.join(names)}\n\n{text}\n" for text, names in of.items())


if __name__ == "__main__":
    sys.exit(main())
