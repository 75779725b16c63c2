"""Show the dashboards at work: drive the example shop with statsd on, install them, check every target.

`make dash` runs it once the services are up. The figures of earlier runs stay in Graphite; the check looks at this run
alone, and fails for every series that did not come.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from types import ModuleType

from environments import ROOT

sys.path.insert(1, str(ROOT))
sys.path.insert(1, str(ROOT / "example"))

from scripts.services.__main__ import read

#: A worker flushes every 10 s and so does statsd; carbon and graphite-web take a moment more.
ARRIVAL_S = 45
#: How much traffic there is, and in what time, unless the machine is slower.
ROUND_REQUESTS, ROUND_S = 400, 10
#: Two graphs wide; the panels above the fold.
WIDTH, HEIGHT = 1200, 1630
#: Headless Chromium lays a page out in a window less high than the picture that it takes.
UNSEEN = 160
GRAFANA_FILE = ROOT / ".services" / "grafana.json"


def started(name: str) -> str:
    """Return what a service is reached by."""
    found = {key: value for answer in read().values() for key, value in answer.items()}
    if name not in found:
        raise SystemExit("dash: statsd and Graphite do not run: type `make services`")
    return found[name]


def main() -> int:
    """Drive, install, check; return the exit status of the check."""
    parser = argparse.ArgumentParser(prog="make dash", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=40, help="of traffic, about; default: %(default)s"
    )
    parser.add_argument("--picture", metavar="FILE", help="also keep a picture of the dashboard")
    parser.add_argument("--format", default="plain", help="of metrics: plain, tags or dogstatsd")
    options = parser.parse_args()
    os.environ["EXAMPLE_STATSD"] = started("PERFKIT_TEST_STATSD")
    os.environ["EXAMPLE_STATSD_FORMAT"] = options.format
    os.environ["EXAMPLE_GRAPHITE"] = started("PERFKIT_TEST_GRAPHITE")
    # It reads the environment when it is imported.
    import demo

    began = time.time()
    demo.manage("migrate", "--verbosity", "0")
    demo.manage("seed", "--if-empty")
    with demo.served(0) as (base_url, _):
        deployed, seed = False, 0
        while time.time() < began + options.seconds or not deployed:
            if seed and not deployed and time.time() > began + options.seconds / 2:
                demo.manage("perfdash", "deploy", "v1.2")
                deployed = True
            seed += 1
            print(demo.drive(base_url, ROUND_REQUESTS, seed))
            # Not all at once: a graph of one point shows nothing.
            time.sleep(max(0.0, began + seed * ROUND_S - time.time()))
    demo.manage("perfdash", "install", "--grafana", str(GRAFANA_FILE))
    status = checked(demo, began)
    if options.picture:
        picture(f"{os.environ['EXAMPLE_GRAPHITE']}/dashboard/perfkit", began, options.picture)
    return status


def checked(demo: ModuleType, began: float) -> int:
    """Check until everything has arrived; return the last check's exit status."""
    last = time.time()
    while True:
        since = f"{int(time.time() - began) // 60 + 1}min"
        try:
            demo.manage("perfdash", "check", "--strict", "--since", since)
            return 0
        except demo.DemoError:
            if time.time() > last + ARRIVAL_S:
                return 1
            print("Not everything has arrived yet; statsd and the workers flush every 10 s.\n")
            time.sleep(10)


def picture(url: str, began: float, file: str) -> None:
    """Let a real browser show the dashboard over the time of the run, and keep what it shows."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        raise SystemExit("dash: a picture needs Chromium: apt-get install chromium")
    moments = (time.gmtime(began), time.gmtime())
    start, end = (time.strftime("%Y-%m-%dT%H:%M:%S", moment) for moment in moments)
    with tempfile.TemporaryDirectory(prefix="perfkit-dash-") as profile:
        command = [
            chromium,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            f"--window-size={WIDTH},{HEIGHT + UNSEEN}",
            "--virtual-time-budget=20000",
            f"--screenshot={Path(file).resolve()}",
            f"{url}?from={start}&until={end}",
        ]
        # The page reads these as local times.
        environment = {**os.environ, "TZ": "UTC"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode or not Path(file).exists():
        raise SystemExit(f"dash: no picture: {done.stderr[-1000:]}")
    Path(file).write_bytes(cut(Path(file).read_bytes(), HEIGHT))
    print(f"Picture: {file}")


def cut(png: bytes, height: int) -> bytes:
    """Keep the upper rows of a PNG picture of 24 bits a pixel: they do not depend on those below."""
    chunks, place, rows = [], 8, b""
    while place < len(png):
        (length,), kind = struct.unpack_from("!L", png, place), png[place + 4 : place + 8]
        body = png[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"IHDR":
            width, _, *rest = struct.unpack("!LLBBBBB", body)
            chunks.append((kind, struct.pack("!LLBBBBB", width, height, *rest)))
        elif kind == b"IDAT":
            rows += body
    upper = zlib.decompress(rows)[: height * (1 + 3 * width)]
    chunks += [(b"IDAT", zlib.compress(upper, 9)), (b"IEND", b"")]
    return png[:8] + b"".join(
        struct.pack("!L", len(body)) + kind + body + struct.pack("!L", zlib.crc32(kind + body))
        for kind, body in chunks
    )


if __name__ == "__main__":
    sys.exit(main())
