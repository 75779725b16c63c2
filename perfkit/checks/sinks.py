"""Checks of where the figures go: the store and statsd."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from perfkit.conf import SETTING, get_settings
from perfkit.store.connection import fault_of
from perfkit.store.place import SQLITE

#: As the kernel names them, and as FUSE does after ``fuse.``.
NETWORK_FILE_SYSTEMS = frozenset(
    (
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "rclone",
        "s3fs",
        "smb3",
        "smbfs",
        "sshfs",
    )
)


def check_store(**kwargs: Any) -> list[CheckMessage]:
    """Check that the store is one that this version writes."""
    store = get_settings().store
    if store is None or not (fault := fault_of(store)):
        return []
    return [
        Error(
            f"{SETTING}['STORE']['ENGINE'] is {store['ENGINE']!r}: {fault}.",
            hint="The store can be SQLite or PostgreSQL; leave STORE out for its default file.",
            id="perfkit.E005",
        )
    ]


def check_store_file(**kwargs: Any) -> list[CheckMessage]:
    """Check where the store's file lies, and who can read it."""
    store = get_settings().store
    if store is None or store["ENGINE"] != SQLITE:
        return []
    path = Path(str(store["NAME"])).absolute()
    messages: list[CheckMessage] = []
    if kind := network_file_system(path):
        messages.append(
            CheckWarning(
                f"The store {path} lies on a network file system ({kind}), where SQLite's log "
                "cannot be shared between machines and its locks are not safe.",
                hint=f"Point {SETTING}['STORE'] at a local disk, or at PostgreSQL for a fleet.",
                id="perfkit.W007",
            )
        )
    try:
        mode = path.stat().st_mode
    except OSError:
        return messages  # no store yet: perfkit makes it for its owner only
    if mode & 0o007:
        messages.append(
            CheckWarning(
                f"Every user of this machine can open the store {path} (mode {mode & 0o777:o}): it "
                "holds your routes, statements and lines of code.",
                hint=f"chmod o= {path}",
                id="perfkit.W008",
            )
        )
    return messages


def network_file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the kind of the network file system that a path lies on, ``""`` for a local one.

    Args:
        path: absolute; what is not there yet counts as its folder.
        mounts: the kernel's table; where there is none nothing can be told.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    path = path.resolve()
    found = ("", "")
    for line in lines:
        _, place, kind, *_ = [*line.split(" "), "", ""]
        # The kernel writes a blank as \\040, a tab, a newline and a backslash likewise.
        folder = place.encode("ascii", "backslashreplace").decode("unicode_escape")
        if path.is_relative_to(folder) and len(folder) >= len(found[0]):
            found = (folder, kind)  # of two mounts at one place the later one hides the other
    kind = found[1]
    return kind if kind.removeprefix("fuse.") in NETWORK_FILE_SYSTEMS else ""


def check_statsd(**kwargs: Any) -> list[CheckMessage]:
    """Check that statsd's host resolves; a warning only, as it may resolve where the site runs."""
    statsd = get_settings().statsd
    if statsd is None:
        return []
    try:
        socket.getaddrinfo(statsd["HOST"], statsd["PORT"], type=socket.SOCK_DGRAM)
    except (OSError, OverflowError, TypeError, UnicodeError) as error:
        return [
            CheckWarning(
                f"{SETTING}['STATSD']['HOST'] is {statsd['HOST']!r}, which does not resolve "
                f"({error}).",
                hint="Metrics are dropped until it does; the site is not slowed down.",
                id="perfkit.W003",
            )
        ]
    return []
