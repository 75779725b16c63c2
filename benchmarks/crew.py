"""The worker processes: start them, ask them, and say what went wrong when one dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


class WorkerDied(Exception):
    """The worker process ended; the message is the last line it wrote."""


class Worker:
    """One contender's process, blocked on its pipe unless it has been asked something."""

    def __init__(self, name: str, mode: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.seconds: dict[str, float] = {}
        self.log = folder / "stderr.txt"
        path = os.pathsep.join([str(HERE), str(ROOT), os.environ.get("PYTHONPATH", "")])
        # A fixed hash seed: the order of sets must not differ between contenders.
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "worker.py"), name, mode, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=folder,
            )

    def hello(self) -> str:
        """Wait until the worker is warm; return what the contender saw of the N+1 page."""
        hello = self._answer()
        self.seconds = hello["seconds"]
        return str(hello["seen"])

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerDied(self._last_words()) from None
        return self._answer()

    def stop(self) -> None:
        """End the process; what it still had to do is cut short after five seconds."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.close()
            self.process.wait(timeout=5)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise WorkerDied(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self.process.wait()
        lines = self.log.read_text().strip().splitlines()
        return lines[-1] if lines else f"exit status {self.process.returncode}"
