"""Show perfkit at work: seed the shop, serve it with gunicorn, drive requests at it, report.

    python demo.py            # about 2,000 requests, then the report
    python demo.py --serve    # leave the site running to browse

Works from any folder and leaves no process behind. Exit status: that of the first step that
failed; 2 on a bad option.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

from drive import drive, report_problems

HERE = Path(__file__).resolve().parent
STORE_FOLDER = HERE / ".perfkit"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
# Whatever the caller's shell points Django at, this is the example.
ENVIRONMENT = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop_site.settings"}


class DemoError(Exception):
    """A step failed; the text says which, and what to do."""


def manage(*arguments: str) -> None:
    """Run a management command of the example.

    Raises:
        DemoError: it failed; its own output says why.
    """
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=HERE, env=ENVIRONMENT)
    if done.returncode:
        raise DemoError(f"manage.py {arguments[0]} failed (status {done.returncode}), see above")


@contextmanager
def served(port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the site with gunicorn while the block runs; give its base URL and its process.

    Args:
        port: on the loopback address; 0 takes any free one.

    Gunicorn is stopped gracefully however the block ends, so perfkit writes what it holds.

    Raises:
        DemoError: the port is taken, or gunicorn does not start, answer or stop.
    """
    with socket.socket() as listener:
        # The socket is opened here and handed over: no other process can take the port between.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise DemoError(f"port {port} cannot be used ({error}); choose with --port") from error
        listener.listen(128)
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"],
            cwd=HERE,
            env=ENVIRONMENT,
            pass_fds=[listener.fileno()],
            # Ctrl-C is for this script, which then stops gunicorn gracefully.
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(base_url, server)
        yield base_url, server
    finally:
        _stop(server)


def _wait_until_it_answers(base_url: str, server: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if server.poll() is not None:
            raise DemoError("gunicorn ended at once, see above")
        try:
            with urlopen(f"{base_url}/static/shop/shop.css", timeout=1):
                return
        except (URLError, TimeoutError):
            time.sleep(0.1)
    raise DemoError(f"gunicorn did not answer within {START_TIMEOUT_S} s")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        status = server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"gunicorn did not stop within {STOP_TIMEOUT_S} s") from error
    finally:
        # Also after a second Ctrl-C: the whole session, that is gunicorn and its workers.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
    if status:
        raise DemoError(f"gunicorn ended with status {status}")


def run_demo(requests: int, seed: int, port: int) -> int:
    """Drive requests at a served site, stop it and print the report; return the exit status."""
    # The report is to show this run only.
    shutil.rmtree(STORE_FOLDER, ignore_errors=True)
    with served(port) as (base_url, _):
        outcome = drive(base_url, requests, seed)
        print(outcome)
        print("The report counts one request more, the check that gunicorn answers.\n")
    manage("perfreport")
    return report_problems(outcome)


def run_site(port: int) -> int:
    """Leave the site running until Ctrl-C; return the exit status."""
    with served(port) as (base_url, server):
        print(f"The shop is at {base_url}/ (Ctrl-C stops it).")
        print("Log in as admin / admin or as customer1 / customer.")
        print(f"Then read: {sys.executable} {HERE / 'manage.py'} perfreport")
        try:
            server.wait()
        except KeyboardInterrupt:
            print("\nStopping.")
    return 0


def _end(signal_number: int, frame: object) -> NoReturn:
    # As an exception, so that what was started is stopped.
    sys.exit(128 + signal_number)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description="Show perfkit at work on the example shop.")
    parser.add_argument("--serve", action="store_true", help="leave the site running to browse")
    parser.add_argument("--port", type=int, help="default: 8000 with --serve, else any free one")
    parser.add_argument("--requests", type=int, default=2_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="draws the mix; default: %(default)s")
    options = parser.parse_args()
    if options.requests < 1:
        parser.error(f"--requests {options.requests}: at least 1 is needed")
    signal.signal(signal.SIGTERM, _end)
    try:
        if find_spec("gunicorn") is None:
            raise DemoError(f"gunicorn is missing; run: {sys.executable} -m pip install gunicorn")
        manage("migrate", "--verbosity", "0")
        manage("seed", "--if-empty")
        if options.serve:
            return run_site(8000 if options.port is None else options.port)
        return run_demo(options.requests, options.seed, options.port or 0)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
