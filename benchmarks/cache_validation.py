"""Is the cache advisor right? A day of requests, first observed, then really cached; side by side.

The trace runs in virtual time through a site whose costs, changes and readers are known: once with the
advisor looking on and nothing cached, then with Django's own ``cache_page`` at each timeout on each
cache. The exit status is 1 when an aim is missed.

    python benchmarks/cache_validation.py                     # a selection, some minutes
    python benchmarks/cache_validation.py --full              # every timeout on every cache
    python benchmarks/cache_validation.py --trace a_log.tsv   # a real log: host, time, method, url, response
    python benchmarks/cache_validation.py --every --markdown docs/cache-validation.md
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

REQUESTS, SEED = 6_000, 6
SELECTION = (60, 900, 21_600)


def main() -> int:
    """Run on this Django, or on every one that there is; return 0 when every aim was met."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that Redis is stopped then too
    if options.every:
        from cache_pages import every_django

        return every_django(options)
    with tempfile.TemporaryDirectory(prefix="perfkit-cache-") as folder:
        found = _found(options, Path(folder))
    if options.json is not None:
        options.json.write_text(json.dumps(found))
    from cache_pages import page, text

    print(text(found))
    if options.markdown is not None:
        options.markdown.write_text(page([found]))
    return 0 if all(bar["met"] for bar in found["bars"]) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trace", type=Path, help="a log, instead of the made-up day")
    parser.add_argument("--requests", type=int, help=f"{REQUESTS:,} made up, or the whole log")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--full", action="store_true", help="every timeout on every cache")
    parser.add_argument(
        "--every",
        action="store_true",
        help="on every Django that runs here; a log on the first only",
    )
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


def _found(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import django
    from cache_backends import configured, redis_server
    from cache_site import SETTINGS
    from django.conf import settings

    logging.disable(logging.CRITICAL)  # the site's 404s and 500s are meant
    with redis_server(folder) as redis:
        store = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "store.sqlite3")}
        settings.configure(**SETTINGS, CACHES=configured(folder, redis), PERFKIT={"STORE": store})
        django.setup()
        from cache_judge import judged

        return judged(options, store, redis is not None)


if __name__ == "__main__":
    sys.exit(main())
