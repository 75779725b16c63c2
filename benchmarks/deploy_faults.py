"""Print what a site feels, and what its report loses, when what perfkit writes to is gone.

    make deploy-check                      # runs this too
    .deploy/bin/python benchmarks/deploy_faults.py --seconds 60

gunicorn with two workers of four threads answers 100 requests a second, as long as that is so: the
store locked by another process, its disk full, statsd dead in three ways.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from deploy_load import Requests
from deploy_run import reported, running, site, wait_until
from deploy_servers import Row, rows

#: Between two requests of each of eight connections.
_PAUSE_S = 0.08
_AT_ONCE = 8
#: Mounts a disk of its own over the store's folder, fills it, and becomes the server.
_ON_A_FULL_DISK = (
    "mkdir .perfkit && mount -t tmpfs -o size=1m tmpfs .perfkit && "
    '{ dd if=/dev/zero of=.perfkit/filler bs=4k 2>/dev/null; exec "$@"; }'
)


def server() -> Row:
    """Return the server that all of this is tried on."""
    return next(row for row in rows() if row.options == "--workers 2 --threads 4")


@contextmanager
def loaded(row: Row, environment: dict[str, str]) -> Iterator[tuple[int, Requests]]:
    """Serve the site under load; yield the server's pid and the load."""
    with running(row, environment, 1) as (process, first):
        first.wait()
        load = Requests(first.port, 1_000_000, _AT_ONCE, _PAUSE_S)  # type: ignore[attr-defined]
        try:
            yield process.pid, load
        finally:
            load.stop()
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep everybody from writing the store."""
    store = folder / ".perfkit" / "perfkit.sqlite3"
    with closing(sqlite3.connect(store, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def tell(name: str, load: Requests, begin: int, lost: str) -> None:
    """Print a line: what those who asked felt, and what the report lacks."""
    took = sorted(load.took_ms[begin:])
    print(
        f"{name:32} {len(took):6,} requests, {load.refused} errors, median "
        f"{took[len(took) // 2]:.1f} ms, 99 % within {took[int(len(took) * 0.99)]:.1f} ms; {lost}",
        flush=True,
    )


def try_(name: str, seconds: float, *, statsd: str = "", lock: bool = False) -> bool:
    """Serve for so long with one thing wrong; tell whether nothing was lost."""
    with site(interval_s=10) as environment:
        environment["BENCHMARK_STATSD"] = statsd
        with loaded(server(), environment) as (_, load):
            folder = Path(environment["BENCHMARK_FOLDER"])
            time.sleep(12.0 if lock else 1.0)  # so that there is a store
            begin = len(load.took_ms)
            with locked(folder) if lock else nullcontext():
                time.sleep(seconds)
        lost = 1 + len(load.answered) - reported(environment)
        tell(name, load, begin, f"{lost} lost")
        return not lost and not load.refused


def try_full_disk(seconds: float) -> bool:
    """Serve for so long with the store's disk full, then make room and see what is written."""
    row = server()
    words = ("--mount", "sh", "-c", _ON_A_FULL_DISK, "sh", sys.executable, *row.words)
    with site(interval_s=2) as environment:
        with loaded(replace(row, program="unshare", words=words), environment) as (pid, load):
            time.sleep(seconds)
            disk = Path(f"/proc/{pid}/root{environment['BENCHMARK_FOLDER']}/.perfkit")
            seen = _reported(environment, disk)
            (disk / "filler").unlink()
            load.stop()
            wait_until(lambda: _reported(environment, disk) > len(load.answered), "written")
            lost = 1 + len(load.answered) - _reported(environment, disk)
        tell("store's disk full", load, 0, f"{seen} in the report then, {lost} lost after it")
        return not lost and not load.refused


def _reported(environment: Mapping[str, str], disk: Path) -> int:
    """Report on a copy: SQLite would look for the file itself outside of the server's own mounts."""
    with tempfile.TemporaryDirectory(prefix="perfkit-deploy-") as folder:
        shutil.copytree(disk, f"{folder}/.perfkit", ignore=shutil.ignore_patterns("filler"))
        try:
            return reported({**environment, "BENCHMARK_FOLDER": folder})
        except RuntimeError:  # a store that was only half made
            return 0


def main() -> int:
    """Try each fault; return 1 when a request failed or was lost."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="that each fault lasts (60)")
    seconds = parser.parse_args().seconds
    kept = [
        try_("nothing wrong", seconds / 4),
        try_("statsd: nobody listens", seconds / 4, statsd="127.0.0.1"),
        try_("statsd: nobody answers", seconds / 4, statsd="192.0.2.1"),
        try_("statsd: nobody knows the name", seconds / 4, statsd="statsd.invalid"),
        try_(f"store locked for {seconds:g} s", seconds, lock=True),
    ]
    if os.geteuid() == 0:
        kept.append(try_full_disk(seconds / 4))
    else:
        print("store's disk full: not tried, it needs root for a disk of its own")
    print("PASS" if all(kept) else "FAIL")
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
