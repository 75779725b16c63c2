"""Real servers on loopback, for the tests and for trying out: `python -m scripts.services start|stop|status [name...]`.

Each module named in SERVICES gives three functions: `install()`, which fetches what is missing and is quick when
nothing is; `start()`, which answers the names and values that the tests read, the same ones when it runs already;
`stop()`. Everything lies in FOLDER.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Where the servers, their data, logs and pid files lie; PERFKIT_SERVICES names another folder.
FOLDER = Path(os.environ.get("PERFKIT_SERVICES") or ROOT / ".services").resolve()
#: What start() answered, by service, for tests/services.py.
ENVIRONMENT = FOLDER / "environment.json"
#: In the order in which they start.
SERVICES = ("graphite", "statsd", "postgres")
