"""Checks of the store's file: where it lies, who can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from perfkit.checks.sinks import check_store_file, network_file_system


def settings_for(path: Path) -> dict[str, Any]:
    """Point the store there."""
    return {"STORE": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}


@pytest.mark.parametrize(("mode", "told"), [(0o604, True), (0o602, True), (0o640, False), (0o600, False)])  # fmt: skip
def test_a_store_that_others_can_open(tmp_path: Path, mode: int, told: bool) -> None:
    """Its owner and its group may; the rest of the machine may not."""
    path = tmp_path / "perfkit.sqlite3"
    path.touch()
    path.chmod(mode)
    with override_settings(PERFKIT=settings_for(path)):
        messages = check_store_file()
    assert [message.id for message in messages] == (["perfkit.W008"] if told else [])
    if told:
        assert f"(mode {mode:o})" in messages[0].msg
        assert messages[0].hint == f"chmod o= {path}"


def test_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    """Perfkit makes it for its owner only."""
    with override_settings(PERFKIT=settings_for(tmp_path / "perfkit.sqlite3")):
        assert check_store_file() == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/shop/perfkit.sqlite3", "nfs4"),
        ("/srv/shop/fast/perfkit.sqlite3", ""),
        ("/srv/shopping/perfkit.sqlite3", ""),
        ("/mnt/two words/perfkit.sqlite3", "fuse.sshfs"),
        ("/mnt/over/perfkit.sqlite3", "cifs"),
        ("/perfkit.sqlite3", ""),
    ],
)
def test_the_innermost_mount_tells(tmp_path: Path, path: str, kind: str) -> None:
    """The longest mount point that holds the path, the last mounted of equals."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/vda / ext4 rw 0 0\n"
        "files:/shop /srv/shop nfs4 rw 0 0\n"
        "/dev/vdb /srv/shop/fast xfs rw 0 0\n"
        "me@there:/ /mnt/two\\040words fuse.sshfs rw 0 0\n"
        "/dev/vdc /mnt/over ext4 rw 0 0\n"
        "//there/over /mnt/over cifs rw 0 0\n"
        "\n"
        "short\n"
    )
    assert network_file_system(Path(path), mounts) == kind


def test_a_machine_without_a_table_of_mounts(tmp_path: Path) -> None:
    """Nothing is told where nothing is known."""
    assert network_file_system(tmp_path, tmp_path / "none") == ""


def test_a_store_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system is named, and both ways out."""
    monkeypatch.setattr("perfkit.checks.sinks.network_file_system", lambda path: "nfs4")
    with override_settings(PERFKIT=settings_for(tmp_path / "perfkit.sqlite3")):
        (message,) = check_store_file()
    assert message.id == "perfkit.W007"
    assert "(nfs4)" in message.msg
    assert message.hint is not None
    assert "PostgreSQL" in message.hint
