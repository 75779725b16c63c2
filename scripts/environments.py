"""Find the CPythons of this machine and make virtual environments with them.

`python3 scripts/environments.py .venv` makes the developers' environment. It runs before anything is installed, on
whatever python3 is there, so it uses the standard library alone and no syntax newer than Python 3.8.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import system_packages

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"python3\.\d+")
QUESTION = """
import importlib.util, json, os, platform, sys, sysconfig
found = [name for name in ("ensurepip", "virtualenv") if importlib.util.find_spec(name)]
plain = sys.version_info.releaselevel == "final" and not sysconfig.get_config_var("Py_GIL_DISABLED")
name = platform.python_implementation()
real = os.path.realpath(sys.executable)
print(json.dumps([name, list(sys.version_info[:3]), plain, found, real]))
"""


class Interpreter(NamedTuple):
    """One CPython: its program, its version and what it has for making environments."""

    version: tuple[int, int, int]
    makers: tuple[str, ...]
    program: Path

    @property
    def minor(self) -> tuple[int, int]:
        """Return the version that compatibility is stated in, such as (3, 12)."""
        return self.version[:2]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def ask(program: Path) -> Interpreter | None:
    """Ask a program what it is; None unless it is a released CPython that is new enough and starts."""
    try:
        answer = subprocess.run(
            [str(program), "-I", "-c", QUESTION], capture_output=True, text=True, timeout=30
        )
        # A pyenv shim of a version that is not switched on exits non-zero.
        implementation, version, plain, found, real = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if implementation != "CPython" or tuple(version[:2]) < OLDEST or not plain:
        return None
    return Interpreter((version[0], version[1], version[2]), tuple(found), Path(real))


def programs() -> list[Path]:
    """Return every program that may be a Python 3: on PATH, and pyenv's and uv's, switched on or not."""
    home = Path.home()
    uv_data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "uv/python"
    versions = [
        Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or uv_data),
    ]
    found = [Path(sys.executable)]
    found += [
        path
        for folder in os.get_exec_path()
        if Path(folder).is_absolute()
        for path in sorted(Path(folder).glob("python3*"))
        if path.name == "python3" or NAMED.fullmatch(path.name)
    ]
    found += [path for folder in versions for path in sorted(folder.glob("*/bin/python3"))]
    return found


def interpreters() -> dict[tuple[int, int], Interpreter]:
    """Return the best CPython of each minor version: one that can make environments, then the newest."""
    found = {interpreter for interpreter in map(ask, dict.fromkeys(programs())) if interpreter}
    ranked = sorted(found, key=lambda each: (bool(each.makers), each.version, str(each.program)))
    return {interpreter.minor: interpreter for interpreter in ranked}


def make(interpreter: Interpreter, folder: Path) -> Path:
    """Make a virtual environment anew and return its Python.

    Debian ships python3 without ensurepip, so virtualenv serves too, and apt-get where it may install.
    Raises SystemExit with the command to type when none of them is at hand.
    """
    makers = interpreter.makers
    package = "python{}.{}-venv".format(*interpreter.minor)
    standalone = shutil.which("virtualenv")
    if not makers and not standalone and system_packages.install(package):
        makers = ("ensurepip",)
    if makers:
        maker = "venv" if "ensurepip" in makers else "virtualenv"
        command = [str(interpreter.program), "-m", maker, "--clear", str(folder)]
    elif standalone:
        command = [standalone, "--clear", "--python", str(interpreter.program), str(folder)]
    else:
        raise SystemExit(
            f"{interpreter.program} cannot make virtual environments. Install what it lacks with: "
            f"apt-get install {package} (or: pip install virtualenv)"
        )
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    return folder / "bin" / "python"


def pip_install(python: Path, *arguments: str) -> None:
    """Install into an environment; raise RuntimeError with pip's own words if it could not."""
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")


def main(folder: str) -> int:
    """Make the developers' environment from the python3 that runs this, or else the newest there is.

    One that works is kept, so that a change in setup.cfg takes nothing from under a running server.
    """
    if ask(Path(folder) / "bin" / "python"):
        return 0
    found = interpreters()
    own = ask(Path(sys.executable))
    if own is not None:
        chosen = found[own.minor]
    elif found:
        chosen = found[max(found)]
    else:
        oldest = ".".join(map(str, OLDEST))
        print(
            f"No CPython >= {oldest} was found on PATH, nor pyenv's or uv's. Install one and try again."
        )
        return 1
    print(f"Making {folder} with Python {chosen} ({chosen.program})", flush=True)
    make(chosen, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
