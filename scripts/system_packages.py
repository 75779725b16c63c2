"""Install the system packages that the tests need, or say what is missing and what that costs.

`python3 scripts/system_packages.py` is the first step of `make test`. Where apt-get may be used (as root, or through
a sudo that asks nothing) it installs them; elsewhere it names them and the tests that are skipped, and under CI=true
it fails, because CI must skip nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# (Debian package, a program that it brings, the tests that are skipped without it).
NEEDED: tuple[tuple[str, str, str], ...] = (
    ("chromium", "chromium", "the HTML report in a browser"),
    ("nodejs", "node", "the HTML report in a browser"),
    ("npm", "npm", "the HTML report in a browser"),
    ("firefox-esr", "firefox-esr", "the toolbar's panels in Firefox"),
)


def apt_get() -> list[str] | None:
    """Return the words that start apt-get with the right to install, or None without that right."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    sudo = ["sudo", "-n"]
    if (
        shutil.which("sudo")
        and subprocess.run([*sudo, "true"], capture_output=True).returncode == 0
    ):
        return [*sudo, "apt-get"]
    return None


def install(*packages: str) -> bool:
    """Install Debian packages; say what apt-get answered if it could not."""
    command = apt_get()
    if command is None:
        return False
    # A fresh machine has no package lists; a failed update may still leave usable ones, so install decides.
    for arguments in (
        ["-q", "update"],
        ["-q", "install", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            [*command, *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


def main(needed: tuple[tuple[str, str, str], ...] = NEEDED) -> int:
    """Install what is missing; return 1 if CI would have to skip a test."""
    missing = [row for row in needed if shutil.which(row[1]) is None]
    if missing and install(*[package for package, _, _ in missing]):
        missing = [row for row in missing if shutil.which(row[1]) is None]
    for package, program, tests in missing:
        print(
            f"{program} is missing, so these tests are skipped: {tests}. Install it with: apt-get install {package}"
        )
    if not missing:
        print("System packages: all present.")
    return int(bool(missing) and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
