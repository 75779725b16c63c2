"""How tests find the real servers, and what happens where one does not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import services


def test_a_service_is_reached_by_what_it_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `make services` wrote is found by name; a variable of the environment goes first."""
    answers = {"statsd": {"PERFKIT_TEST_X": "127.0.0.1:1"}, "graphite": {"PERFKIT_TEST_Y": "2"}}
    (tmp_path / "environment.json").write_text(json.dumps(answers))
    monkeypatch.setattr(services, "FOLDER", tmp_path)
    assert services.service("PERFKIT_TEST_X") == "127.0.0.1:1"
    monkeypatch.setenv("PERFKIT_TEST_X", "another")
    assert services.service("PERFKIT_TEST_X") == "another"


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_service_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """The test is skipped with what to type; CI skips nothing, so there it fails."""
    monkeypatch.setattr(services, "FOLDER", tmp_path)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="make services"):
        services.service("PERFKIT_TEST_X")
