"""Install the npm packages of package.json, exactly as package-lock.json pins them, into a folder of this checkout.

`python3 scripts/node_packages.py` prints the folder. What is vendored comes from there (`make vendor`), and the browser
tests drive Chromium with what lies there. Nothing is fetched when the lock file has not changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Beside the servers of the tests; PERFKIT_SERVICES names another folder, for a copy of the checkout.
FOLDER = Path(os.environ.get("PERFKIT_SERVICES") or ROOT / ".services").resolve() / "node"
MANIFESTS = ("package.json", "package-lock.json")


def install() -> Path:
    """Return the folder that holds `node_modules`, filled as the lock file says.

    Raises RuntimeError when Node.js is missing or npm cannot install; the message says what npm said.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise RuntimeError("node and npm are needed: apt-get install nodejs npm")
    done = FOLDER / "installed-lock.json"
    lock = (ROOT / "package-lock.json").read_bytes()
    if done.exists() and done.read_bytes() == lock:
        return FOLDER
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MANIFESTS:
        shutil.copyfile(ROOT / name, FOLDER / name)
    # No package's own script is run: none of them needs it.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"npm ci failed:\n{ended.stdout}{ended.stderr}")
    done.write_bytes(lock)
    return FOLDER


if __name__ == "__main__":
    try:
        print(install())
    except RuntimeError as error:
        sys.exit(str(error))
