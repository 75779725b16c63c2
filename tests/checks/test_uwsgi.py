"""uWSGI must be told to run Python's threads: in the process and in the project's files."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import override_settings

from perfkit.checks.uwsgi import check_uwsgi


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[uwsgi]\nmodule = shop.wsgi\nprocesses = 4\n", True),
        ("[uwsgi]\nenable-threads = true\n", False),
        ("[uwsgi]\nenable-threads\n", False),
        ("[uwsgi]\nthreads = 2\n", False),
        ("[uwsgi]\nenable-threads = false\n", True),
        ("[uwsgi]\nenv = A=%(b)s\nenv = B=1\nenable-threads = 1\n", False),
        ("[pytest]\naddopts = -q\n", False),
        ("no section\n", False),
        ("[uwsgi\n", False),
    ],
)
def test_a_file_of_the_project(tmp_path: Path, text: str, told: bool) -> None:
    """A ``[uwsgi]`` section without threads is told by the file's name; others are no business of ours."""
    path = tmp_path / "site.ini"
    path.write_text(text)
    with override_settings(BASE_DIR=tmp_path):
        messages = check_uwsgi()
    assert [message.id for message in messages] == (["perfkit.W013"] if told else [])
    if told:
        assert str(path) in messages[0].msg
        assert messages[0].hint == "Add enable-threads = true, or threads = 2 or more."


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is passed over."""
    (tmp_path / "site.ini").write_bytes(b"[uwsgi]\n\xff\xfe = 1\n")
    with override_settings(BASE_DIR=tmp_path):
        assert check_uwsgi() == []


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, True), ({b"threads": b"4"}, False), ({b"enable-threads": True}, False)],
)
def test_the_server_that_runs_this_process(
    monkeypatch: pytest.MonkeyPatch, options: dict[bytes, Any], told: bool
) -> None:
    """Inside uWSGI its own options count, whatever files there are."""
    module = ModuleType("uwsgi")
    vars(module)["opt"] = options
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    assert bool(check_uwsgi()) is told
