"""Run the test-suite against an installed wheel, away from the checkout, and keep its output in a log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from environments import ROOT

LIMIT_SECONDS = 15 * 60
# The packages stay behind, so that `import perfkit` can only mean the wheel; the rest are environments and builds.
LEFT_BEHIND = {"perfkit", "perfkit_panels", "build", "dist"}
WHERE = "import perfkit, sys; sys.exit(not perfkit.__file__.startswith(sys.prefix))"


class Outcome(NamedTuple):
    """How one run of the suite ended: whether it passed, and pytest's last line."""

    passed: bool
    summary: str


def copy(destination: Path) -> None:
    """Copy the checkout without its packages, environments and hidden files."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        at_root = Path(folder) == ROOT
        return {
            name
            for name in names
            if name.startswith(".")
            or name == "__pycache__"
            or name.endswith((".egg-info", ".sqlite3"))
            or (at_root and name in LEFT_BEHIND)
        }

    shutil.copytree(ROOT, destination, ignore=ignored, dirs_exist_ok=True)


#: What starts servers, browsers and many processes: tested by `make unit` only, to keep the whole run short.
LARGE = (
    "tests/dashboards",
    "tests/faults",
    "tests/metrics",
    "tests/panels_browser",
    "tests/pytest_plugin",
    "tests/report_html",
    "tests/server",
    "tests/store",
    "tests/test_services.py",
    "tests/views/test_browser.py",
    "tests/watchdog/test_servers.py",
)

#: What hangs on Django's or CPython's own code, and so is tested on every pair; the rest is tested on the newest
#: CPython with the newest Django besides.
NEAR_DJANGO = (
    "tests/analyzers",
    "tests/caching/behaviors/test_listed.py",
    "tests/caching/test_probe.py",
    "tests/caching/test_replay.py",
    "tests/capture",
    "tests/checks",
    "tests/nplusone/test_must_flag.py",
    "tests/nplusone/test_must_not_flag.py",
    "tests/panels",
    "tests/test_hooks.py",
    "tests/test_looping.py",
    "tests/test_middleware.py",
    "tests/test_recording.py",
    "tests/test_snapshot.py",
)

#: What tells that the wheel works where nothing of the checkout is near; the matrix runs more of the suite with it.
OF_THE_WHEEL = (
    "tests/panels",
    "tests/report/test_command.py",
    "tests/test_hooks.py",
    "tests/test_middleware.py",
    "tests/test_recording.py",
)


def run(
    python: Path, log: Path, tests: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Outcome:
    """Run the suite with an environment's Python from a folder of its own; everything it prints goes to the log.

    Args:
        python: the environment's.
        log: the file for its output.
        tests: files and folders to run; all when there is none.
        without: files and folders to leave out.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # The copy has no services of its own: its tests use those that this checkout started.
    environment.setdefault("PERFKIT_SERVICES", str(ROOT / ".services"))
    with tempfile.TemporaryDirectory(prefix="perfkit-suite-") as folder, log.open("w") as output:
        copy(Path(folder))
        if subprocess.run(
            [python, "-c", WHERE], cwd=folder, env=environment, stderr=output
        ).returncode:
            return Outcome(False, "perfkit is not imported from the installed wheel")
        process = subprocess.Popen(
            [
                *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5"),
                *(f"--ignore={each}" for each in without),
                *tests,
            ],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that a run that hangs is ended with every server it started
        )
        try:
            status = process.wait(LIMIT_SECONDS)
        except BaseException as error:  # an interrupt too must not leave a suite running
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                return Outcome(False, f"not finished after {LIMIT_SECONDS} s")
            raise
    lines = log.read_text(errors="replace").split("\n")
    summary = next((line.strip("= ") for line in reversed(lines) if line.strip()), "no output")
    return Outcome(status == 0, summary)
