"""statsd 0.9.0, npm's own, twice: as `contrib/graphite` configures it, and one that only counts.

PERFKIT_TEST_STATSD flushes to carbon every 10 s, as a site's does. PERFKIT_TEST_STATSD_STILL never flushes: a test
reads at its admin port what has arrived, and no flush comes between.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess

from scripts.services import FOLDER, ROOT, graphite, processes

PACKAGE = "statsd@0.9.0"
HERE = FOLDER / "statsd"
PROGRAM = HERE / "node_modules" / "statsd" / "stats.js"
READY = HERE / "ready"
CONTRIB = ROOT / "contrib" / "graphite" / "statsd.js"

#: Node.js 23 has no util.log any more, which statsd 0.9.0 calls when it starts.
FORERUNNER = HERE / "util-log.js"
FORERUNNER_TEXT = 'const util = require("util");\nutil.log ??= console.log;\n'

#: Milliseconds, 11 days; more than 2**31 would be none.
NEVER_MS = 10**9
STILL = {
    "flushInterval": NEVER_MS,
    "backends": [],
    "automaticConfigReload": False,
}


def install() -> None:
    """Fetch statsd and make sure that there is a Node.js to run it, unless both are there."""
    if READY.exists() and READY.read_text() == PACKAGE:
        return
    import system_packages  # the driver puts scripts/ on the path

    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing and not system_packages.install("nodejs", "npm"):
        raise RuntimeError(
            f"statsd needs {' and '.join(missing)}. Install with: apt-get install nodejs npm"
        )
    print(f"statsd: installing {PACKAGE}", flush=True)
    HERE.mkdir(parents=True, exist_ok=True)
    # Its optional packages are for syslog and for a cluster, and need a compiler.
    done = subprocess.run(
        [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--omit=optional",
            f"--prefix={HERE}",
            PACKAGE,
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"npm install {PACKAGE} failed:\n{done.stderr[-2000:]}")
    READY.write_text(PACKAGE)


def start() -> dict[str, str]:
    """Start both and return where they answer."""
    FORERUNNER.write_text(FORERUNNER_TEXT)
    carbon = {"graphiteHost": "127.0.0.1", "graphitePort": graphite.ports()["line"]}
    return {
        **_started("statsd", CONTRIB.read_text(), carbon, "PERFKIT_TEST_STATSD"),
        **_started("statsd-still", "{}", STILL, "PERFKIT_TEST_STATSD_STILL"),
    }


def stop() -> None:
    """Stop both."""
    processes.stop("statsd-still")
    processes.stop("statsd")


def _started(name: str, base: str, changes: dict[str, object], variable: str) -> dict[str, str]:
    """Start one with a configuration file's text and what this machine changes of it."""
    port = processes.port(name, socket.SOCK_DGRAM)
    admin = processes.port(f"{name}-admin")
    places = {
        "address": "127.0.0.1",
        "port": port,
        "mgmt_address": "127.0.0.1",
        "mgmt_port": admin,
    }
    config = HERE / f"{name}.js"
    # The file holds one JavaScript expression.
    config.write_text(f"Object.assign({base}, {json.dumps({**changes, **places})})\n")
    processes.spawn(
        name,
        ["node", "--no-deprecation", f"--require={FORERUNNER}", PROGRAM, config],
        lambda: processes.answers(admin),
        cwd=PROGRAM.parent,
    )
    return {variable: f"127.0.0.1:{port}", f"{variable}_ADMIN": f"127.0.0.1:{admin}"}
