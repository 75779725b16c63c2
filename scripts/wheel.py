"""Build the wheel (`wheel.py build`), or test the one that was built in a new environment (`wheel.py test`)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import environments
import suite

DIST = environments.ROOT / "dist"
PACKAGES = ("perfkit", "perfkit_panels")
# With its core dependencies alone, every module must import except those that an extra serves.
IMPORT_ALL = """
import importlib, pkgutil, sys
import django
from django.conf import settings
import perfkit
settings.configure(INSTALLED_APPS=["perfkit"], MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"])
django.setup()
served_by_an_extra = ("perfkit.pytest_plugin", "perfkit.testing", "perfkit.celery")
names = [
    module.name
    for module in pkgutil.walk_packages(perfkit.__path__, "perfkit.", onerror=lambda name: None)
]
for name in names:
    if not name.startswith(served_by_an_extra) and not name.endswith("__main__"):
        importlib.import_module(name)
print(f"{len(names)} modules import with the core dependencies alone, from {perfkit.__path__[0]}")
"""


def build() -> Path:
    """Build the sdist, then the wheel from it, so that both are proved; return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--outdir", str(DIST), str(environments.ROOT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"The wheel was not built:\n{done.stdout}")
    return newest()


def newest() -> Path:
    """Return the wheel that `wheel.py build` left."""
    wheels = sorted(DIST.glob("perfkit-*.whl"))
    if not wheels:
        raise SystemExit("dist/ holds no wheel: run `make wheel` first.")
    return wheels[-1]


def differences(wheel: Path) -> list[str]:
    """Compare the packages in the wheel with the checkout's, file by file."""
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.split("/")[0] in PACKAGES}
    present = {
        path.relative_to(environments.ROOT).as_posix()
        for package in PACKAGES
        for path in (environments.ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return [f"not in the wheel: {name}" for name in sorted(present - packed)] + [
        f"only in the wheel: {name}" for name in sorted(packed - present)
    ]


def test(wheel: Path) -> int:
    """Test the wheel's files, its imports with nothing else installed, then a part of the suite against it.

    The matrix runs most of the suite against the same wheel.
    """
    differing = differences(wheel)
    if differing:
        print("\n".join(differing))
        return 1
    with tempfile.TemporaryDirectory(prefix="perfkit-wheel-") as folder:
        interpreter = environments.ask(Path(sys.executable))
        if interpreter is None:
            raise SystemExit(f"{sys.executable} is not a CPython that perfkit supports.")
        python = environments.make(interpreter, Path(folder) / "venv")
        environments.pip_install(python, str(wheel))
        if subprocess.run([python, "-c", IMPORT_ALL], cwd=folder).returncode != 0:
            return 1
        environments.pip_install(python, f"{wheel}[test]")
        log = Path(folder) / "suite.log"
        outcome = suite.run(python, log, suite.OF_THE_WHEEL)
        if not outcome.passed:
            print(log.read_text())
        print(f"{wheel.name} from another folder: {outcome.summary}")
    return int(not outcome.passed)


if __name__ == "__main__":
    if sys.argv[1:] == ["build"]:
        print(f"Built {build().relative_to(environments.ROOT)}")
    elif sys.argv[1:] == ["test"]:
        sys.exit(test(newest()))
    else:
        sys.exit("usage: wheel.py build|test")
