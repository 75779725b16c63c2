"""Take the pictures in docs/screenshots, of a day of the example shop (`make screenshots`).

The day is made by demo_day.py, the report by the command; demo_site.py serves the capture pages over it. Chromium takes
the pictures, through screenshots.mjs and screenshots-captures.mjs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import demo_day
import node_packages

PICTURES = node_packages.ROOT / "docs/screenshots"


def main() -> int:
    """Make the day, write the report, take the pictures."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    packages = node_packages.install()
    with tempfile.TemporaryDirectory(prefix="perfkit-pictures-") as folder:
        demo_day.main(Path(folder))
        from django.core.management import call_command

        report = Path(folder) / "report.html"
        with report.open("w", encoding="ascii") as file:
            call_command("perfreport", format="html", stdout=file)
        print(f"The report has {report.stat().st_size:,} bytes.")
        PICTURES.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "NODE_PACKAGES": f"{packages}/", "CHROMIUM": browser}
        script = Path(__file__).with_name("screenshots.mjs")
        subprocess.run(["node", script, report, PICTURES], env=environment, check=True)
        with _served(Path(folder)) as site:
            script = Path(__file__).with_name("screenshots-captures.mjs")
            subprocess.run(["node", script, site, PICTURES], env=environment, check=True)
    return 0


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the shop in a process of its own, under the real clock; give its address."""
    command = [sys.executable, str(Path(__file__).with_name("demo_site.py")), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.communicate(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
