"""Install, start and stop the services by name; all of them when none is named."""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from scripts.services import ENVIRONMENT, FOLDER, ROOT, SERVICES

Answers = dict[str, dict[str, str]]


@contextmanager
def alone() -> Iterator[None]:
    """Let one run at a time change the folder; a second one waits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def module(name: str) -> ModuleType:
    return import_module(f"scripts.services.{name}")


def read() -> Answers:
    """Return what is running, by service."""
    return json.loads(ENVIRONMENT.read_text()) if ENVIRONMENT.exists() else {}


def write(answers: Answers) -> None:
    """Keep what is running; a reader sees the old file or the new one, never half of one."""
    new = ENVIRONMENT.with_suffix(".new")
    new.write_text(json.dumps(answers, indent=2, sort_keys=True) + "\n")
    new.replace(ENVIRONMENT)


def start(names: list[str]) -> int:
    """Start each service; one that fails stops none of the others, and makes the exit status 1."""
    failed = 0
    for name in names:
        service = module(name)
        try:
            service.install()
            answer = service.start()
        except (OSError, RuntimeError, SystemExit) as error:
            print(f"{name}: not started: {error}", flush=True)
            failed = 1
            continue
        write({**read(), name: answer})
        for key, value in sorted(answer.items()):
            print(f"{name}: {key}={value}", flush=True)
    return failed


def stop(names: list[str]) -> int:
    """Stop each service, the last that started first."""
    for name in reversed(names):
        module(name).stop()
        write({other: answer for other, answer in read().items() if other != name})
        print(f"{name}: stopped")
    return 0


def status(names: list[str]) -> int:
    """Print what was started; exit status 1 when one of the named was not."""
    answers = read()
    for name in names:
        print(f"{name}: {answers.get(name, 'not started')}")
    return int(not answers.keys() >= set(names))


def main() -> int:
    """Read the command line and do it."""
    present = [name for name in SERVICES if find_spec(f"scripts.services.{name}")]
    parser = argparse.ArgumentParser(prog="python -m scripts.services", description=__doc__)
    parser.add_argument("action", choices=("start", "stop", "status"))
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(present)}")
    options = parser.parse_args()
    for name in options.names:
        if name not in present:
            parser.error(f"{name!r} is no service; there are {', '.join(present)}")
    action = {"start": start, "stop": stop, "status": status}[options.action]
    with alone():
        return action(options.names or present)


if __name__ == "__main__":
    # scripts/*.py import each other by their plain names.
    sys.path.insert(1, str(ROOT / "scripts"))
    sys.exit(main())
