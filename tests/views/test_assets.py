"""The pages' files: a fixed list, kept for good, and no way from a URL to any other file."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from perfkit.report.html.assets import STATIC
from perfkit.views.assets import NAMES, version_of_all

BASE = f"/perfkit/assets/{version_of_all()}"


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_served_as_it_is(client: Client, name: str) -> None:
    """With its type, to be kept for good by this browser alone."""
    answer = client.get(f"{BASE}/{name}")
    assert answer.content == (STATIC / name).read_bytes()
    assert answer["Content-Type"] == NAMES[name]
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name",
    [
        "../conf.py", "..%2fconf.py", "%2e%2e/conf.py", "vendor/../../conf.py", "vendor/versions.json", "/etc/passwd",
        "//etc/passwd", "report-bars.js", "tokens.css/", "TOKENS.CSS", "tokens.css%00", "", "capture.js?x=1%00",
    ],
)  # fmt: skip
def test_nothing_else_is_served(client: Client, name: str) -> None:
    """Neither outside of the folder nor in it."""
    url = f"{BASE}/{name}"
    assert client.get(url).status_code == (200 if "?" in name else 404)


def test_another_version_is_none(client: Client) -> None:
    """A page of before an upgrade loads nothing of after it."""
    assert client.get("/perfkit/assets/0123456789abcdef/tokens.css").status_code == 404


def test_modules_import_only_what_is_served() -> None:
    """Every import of a module leads to a file of the list."""
    for name in NAMES:
        if name.endswith(".js") and not name.startswith("vendor/"):
            found = re.findall(r'from "\./([^"]+)"', (STATIC / name).read_text())
            assert set(found) <= set(NAMES), name
