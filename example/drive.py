"""Drive a realistic mix of requests at the example shop and check how they are answered.

    python drive.py http://127.0.0.1:8000 --requests 2000

Visitors come with a connection and cookies of their own; some log in through the form. Which
visitor asks for what is drawn from the seed alone. Exit status: 0; 1 when a request was answered
by another status than planned, or not at all; 2 on a bad option.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.cookies import SimpleCookie
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from visits import Step, plan_visits

TIMEOUT_S = 30
READ_BYTES = 65_536
CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')


class Visitor:
    """A browser of the smallest kind: one kept connection, cookies, the last form's token."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address, timeout=TIMEOUT_S)
        self._cookies: dict[str, str] = {}
        self._token = ""

    def take(self, step: Step) -> int:
        """Send one request, read its answer (to the end, unless the step aborts) and its status.

        Raises:
            OSError, HTTPException: the server did not answer.
        """
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        # What a proxy in front adds: when it took the request, for the time spent in the queue.
        headers["X-Request-Start"] = f"t={time.time():.6f}"
        if step.form is None:
            self._connection.request("GET", step.path, headers=headers)
        else:
            form = urlencode({**step.form, "csrfmiddlewaretoken": self._token})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            self._connection.request("POST", step.path, form, headers)
        response = self._connection.getresponse()
        self._keep_cookies(response)
        body = response.read(READ_BYTES)
        if step.aborted:
            response.close()
            self.leave()
            return response.status
        if token := CSRF_TOKEN.search(body):
            self._token = token[1].decode()
        while response.read(READ_BYTES):
            pass
        return response.status

    def leave(self) -> None:
        """Close the connection; a next request would open another."""
        self._connection.close()

    def _keep_cookies(self, response: HTTPResponse) -> None:
        for header in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value


@dataclass(slots=True)
class Outcome:
    """How the requests were answered; threads only append and count."""

    answers: list[tuple[Step, int]] = field(default_factory=list)
    unanswered: list[tuple[Step, str]] = field(default_factory=list)
    not_sent: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """One line for each request that was not answered as planned."""
        lines = [
            f"{step.path}: expected {step.status}, got {status}"
            for step, status in self.answers
            if status != step.status
        ]
        lines += [f"{step.path}: no answer: {error}" for step, error in self.unanswered]
        if dropped := sum(self.not_sent):
            lines.append(f"{dropped} further requests of these visits were not sent")
        return lines

    def __str__(self) -> str:
        statuses = Counter(status for step, status in self.answers if not step.aborted)
        parts = [f"{status}: {count:,}" for status, count in sorted(statuses.items())]
        if aborted := sum(step.aborted for step, _ in self.answers):
            parts.append(f"aborted by the visitor: {aborted}")
        count = len(self.answers)
        rate = count / self.seconds if self.seconds else 0
        return f"{count:,} requests in {self.seconds:.1f} s ({rate:.0f}/s). {', '.join(parts)}"


def drive(base_url: str, requests: int = 2_000, seed: int = 1, connections: int = 4) -> Outcome:
    """Drive the planned requests at a site and return how they were answered.

    Args:
        base_url: such as ``http://127.0.0.1:8000``.
        requests: how many; the first asks which products there are.
        seed: draws the mix.
        connections: visitors at the same time.

    Raises:
        OSError: the first request was not answered.
        ValueError: it was not answered by a shop with products.
    """
    started = time.perf_counter()
    api = Step("/api/products/")
    with urlopen(base_url + api.path, timeout=TIMEOUT_S) as response:
        products = [product["id"] for product in json.load(response)["products"]]
    if not products:
        raise ValueError("the shop holds no products; run manage.py seed")
    outcome = Outcome(answers=[(api, 200)])
    waiting: SimpleQueue[list[Step]] = SimpleQueue()
    for visit in plan_visits(requests - 1, seed, products):
        waiting.put(visit)
    with Progress(
        TextColumn("driving requests        "),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ) as progress:
        bar = progress.add_task("", total=requests, completed=1)
        arguments = (urlsplit(base_url).netloc, waiting, outcome, lambda: progress.advance(bar))
        # Daemons: Ctrl-C does not wait for the visits to end.
        threads = [
            Thread(target=_take_visits, args=arguments, daemon=True) for _ in range(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    outcome.seconds = time.perf_counter() - started
    return outcome


def _take_visits(
    address: str,
    waiting: SimpleQueue[list[Step]],
    outcome: Outcome,
    advance: Callable[[], None],
) -> None:
    while True:
        try:
            visit = waiting.get_nowait()
        except Empty:
            return
        visitor = Visitor(address)
        for taken, step in enumerate(visit, 1):
            try:
                outcome.answers.append((step, visitor.take(step)))
            except (OSError, HTTPException) as error:
                outcome.unanswered.append((step, f"{type(error).__name__}: {error}"))
                outcome.not_sent.append(len(visit) - taken)
                break
            advance()
        visitor.leave()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.netloc:
        raise argparse.ArgumentTypeError(f"{text!r} is not like http://127.0.0.1:8000")
    return f"http://{parts.netloc}"


def report_problems(outcome: Outcome) -> int:
    """Print what went wrong, the first of it, and return the exit status."""
    problems = outcome.problems
    for line in problems[:5]:
        print(f"drive: {line}", file=sys.stderr)
    if len(problems) > 5:
        print(f"drive: and {len(problems) - 5} more", file=sys.stderr)
    return 1 if problems else 0


def main() -> int:
    """Read the options, drive, print the outcome."""
    parser = argparse.ArgumentParser(description="Drive mixed requests at the example shop.")
    parser.add_argument("base_url", type=_base_url, help="such as http://127.0.0.1:8000")
    parser.add_argument("--requests", type=_count, default=2_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--connections", type=_count, default=4, help="default: %(default)s")
    options = parser.parse_args()
    try:
        outcome = drive(**vars(options))
    except (OSError, ValueError) as error:
        print(f"drive: no example shop at {options.base_url}: {error}", file=sys.stderr)
        return 1
    print(outcome)
    return report_problems(outcome)


if __name__ == "__main__":
    sys.exit(main())
