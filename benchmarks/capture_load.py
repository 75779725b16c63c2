"""Are captures right under load, and who pays? gunicorn and uvicorn, 20 requests at once, one of them captured.

For each engine and each CPython found: failed answers, other requests' frames in the captures, how far
the captured split is from what the request itself measured, the bystanders' median with and without a
capture, by turns, and the sampler's own CPU. The exit status is 1 when a bar is missed.

    python benchmarks/capture_load.py                     # every CPython there is, some minutes
    python benchmarks/capture_load.py --python 3.13 --rounds 3
    python benchmarks/capture_load.py --markdown docs/capture-load.md
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ENGINES = ("sampler", "pyinstrument", "cprofile")
SERVERS = ("gunicorn", "uvicorn")
BYSTANDERS = 19
#: Seconds of one stretch; with and without captures by turns.
STRETCH_S = 2.0

#: The bars: points of the split, share of the bystanders' median, share of a CPU.
MOST_POINTS, MOST_SLOWER, MOST_OWN = 5.0, 0.05, 0.02

#: Functions of the site's that only bystanders call.
FOREIGN = {"foreign_burn", "by", "by_async"}


@dataclass
class Result:
    """What was measured of one server and engine."""

    python: str
    server: str
    engine: str
    requests: int = 0
    failed: int = 0
    captures: int = 0
    refused: int = 0
    samples: int = 0
    foreign: int = 0
    labelled: int = 0
    points: float = 0.0
    worst_points: float = 0.0
    own: float = 0.0
    without_ms: list[float] = field(default_factory=list)
    with_ms: list[float] = field(default_factory=list)
    page_without_ms: list[float] = field(default_factory=list)
    page_with_ms: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def slower(self) -> float:
        """By what share the bystanders' median is longer: the median over pairs of stretches."""
        pairs = zip(self.without_ms, self.with_ms, strict=True)
        return statistics.median(after / before for before, after in pairs) - 1

    def missed(self) -> list[str]:
        """Return the bars that were missed."""
        found = []
        if self.failed:
            found.append("failed answers")
        if not self.captures:
            found.append("no capture")
        if self.engine != "cprofile" and self.foreign:
            found.append("foreign frames")
        if self.engine == "sampler":
            if self.points > MOST_POINTS:
                found.append("split")
            if self.slower > MOST_SLOWER:
                found.append("bystanders")
            if self.own >= MOST_OWN:
                found.append("own CPU")
        return found


def main() -> int:
    """Measure; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="pairs of stretches; default 6")
    parser.add_argument("--python", action="append", help="3.11, ...; default every one found")
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--server", choices=SERVERS, action="append")
    parser.add_argument("--markdown", type=Path, help="write the table to this file too")
    parser.add_argument(
        "--one", nargs=3, metavar=("SERVER", "ENGINE", "ROUNDS"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.one:
        server, engine, rounds = options.one
        print(json.dumps(asdict(measured(server, engine, int(rounds)))))
        return 0
    results = []
    for python in pythons(options.python):
        for server in options.server or SERVERS:
            for engine in options.engine or ENGINES:
                command = [str(python), __file__, "--one", server, engine, str(options.rounds)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    print(done.stdout, done.stderr, file=sys.stderr)
                    return 1
                results.append(Result(**json.loads(done.stdout.splitlines()[-1])))
                print(row(results[-1]), *results[-1].reasons, flush=True)
    if options.markdown is not None:
        options.markdown.write_text(page(results, options.rounds))
    missed = [(each, bars) for each in results if (bars := each.missed())]
    for each, bars in missed:
        print(f"missed: {each.python} {each.server} {each.engine}: {', '.join(bars)}")
    return bool(missed)


def pythons(wanted: list[str] | None) -> list[Path]:
    """Return a Python of each version, with what is measured installed in .bench/."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import environments

    found = []
    for minor, interpreter in sorted(environments.interpreters().items()):
        name = ".".join(map(str, minor))
        if wanted and name not in wanted:
            continue
        folder = ROOT / ".bench" / f"capture-{name}"
        python = folder / "bin" / "python"
        if not (folder / "ready").exists():
            python = environments.make(interpreter, folder)
            environments.pip_install(
                python, "-e", f"{ROOT}[profile]", "gunicorn>=23", "uvicorn>=0.30", "Django<6.2"
            )
            (folder / "ready").touch()
        found.append(python)
    return found


def measured(server: str, engine: str, rounds: int) -> Result:
    """Measure one engine under one server, on the Python that runs this."""
    version = "{}.{}".format(*sys.version_info)
    result = Result(version, server, engine)
    with tempfile.TemporaryDirectory(prefix="perfkit-capture-") as folder:
        os.environ.update(
            PERFKIT_CAPTURE_FOLDER=folder, PERFKIT_CAPTURE_SERVER=server,
            PYTHONPATH=os.pathsep.join([str(HERE), str(ROOT)]),
        )  # fmt: skip
        sys.path[:0] = [str(HERE), str(ROOT)]
        import capture_settings  # noqa: F401  # with them the store and the key

        port, process = started(server)
        try:
            drive(result, port, engine, rounds)
        finally:
            process.terminate()
            process.wait(20)
        judged(result)
    return result


def started(server: str) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the server; return where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = {
        "gunicorn": ["gunicorn", "-k", "gthread", "-w", "1", "--threads", "20",
                     "-b", f"127.0.0.1:{port}", "--log-level", "error", "capture_site:application"],
        "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error",
                    "--lifespan", "off", "capture_site:application"],
    }[server]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", *module], cwd=HERE)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            ask(http.client.HTTPConnection("127.0.0.1", port, timeout=10), "/by/")
            return port, process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"{server} did not start")


def ask(client: http.client.HTTPConnection, path: str, token: str = "") -> tuple[int, Any, bytes]:
    """Ask for a page; return its status, its headers and its body."""
    client.request("GET", path, headers={"X-Perfkit-Capture": token} if token else {})
    answer = client.getresponse()
    return answer.status, answer.headers, answer.read()


#: Of each captured request: its id and what its parts really took, in seconds.
TRUTH: dict[str, dict[str, float]] = {}


def drive(result: Result, port: int, engine: str, rounds: int) -> None:
    """Let the bystanders ask without end, and a 20th client, captured in each second stretch."""
    stop = threading.Event()
    times: list[tuple[float, float]] = []
    failed: list[int] = []

    def stand_by() -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not stop.is_set():
            began = time.perf_counter()
            if ask(client, "/by/")[0] != 200:
                failed.append(1)
            times.append((began, time.perf_counter() - began))

    clients = [threading.Thread(target=stand_by, daemon=True) for _ in range(BYSTANDERS)]
    for client in clients:
        client.start()
    count = 0
    for number in range(2 * rounds + 2):
        # The first pair warms up; which comes first changes, as a machine's speed drifts.
        captured = (number + number // 2) % 2 == 1
        began = time.perf_counter()
        count += stretch(result, port, engine if captured else "", began + STRETCH_S, failed)
        taken = [took for start, took in list(times) if start >= began]
        if number >= 2:
            (result.with_ms if captured else result.without_ms).append(
                statistics.median(taken) * 1000
            )
    stop.set()
    for client in clients:
        client.join()
    result.requests = len(times) + count
    result.failed = len(failed)


def stretch(result: Result, port: int, engine: str, end: float, failed: list[int]) -> int:
    """Ask for the known page, one after another, captured or not; return how often."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    count = 0
    while time.perf_counter() < end:
        token = token_of(engine or "sampler")  # in each stretch: it costs this process the same
        began = time.perf_counter()
        status, headers, body = ask(client, "/work/", token if engine else "")
        took_ms = (time.perf_counter() - began) * 1000
        (result.page_with_ms if engine else result.page_without_ms).append(took_ms)
        count += 1
        told = headers.get("X-Perfkit-Capture", "")
        if status != 200 or (engine and not told):
            failed.append(1)
        elif told.startswith("refused"):
            result.refused += 1
            result.reasons = sorted({*result.reasons, told})
        elif engine:
            TRUTH[told] = json.loads(body)
    return count


def token_of(engine: str) -> str:
    """Return a token for the page; each has an owner of its own, as one owner gets ten a minute."""
    from django.test import RequestFactory

    from perfkit.profiling.start import page_token
    from perfkit.profiling.token import new_id

    request = RequestFactory().post("/start/")
    return page_token(request, owner=new_id(), path="/work/", engine=engine)


def judged(result: Result) -> None:
    """Read the captures and compare them with what the requests told."""
    from perfkit.conf import get_settings
    from perfkit.store import captures

    store = get_settings().store or {}
    own_ms = all_ms = 0.0
    errors: list[float] = []
    sums: dict[str, list[float]] = {}
    for name, truth in TRUTH.items():
        capture = captures.read(store, name)
        if capture is None:
            continue
        result.captures += 1
        profile = capture.profile
        functions = {frame.function for frame in profile.frames}
        result.foreign += len(functions & FOREIGN)
        result.labelled += any("other requests" in note for note in profile.notes)
        result.samples += len(profile.samples)
        own_ms += profile.own_ms
        all_ms += capture.duration_ms
        seen = {part: in_part(capture, part) for part in truth}
        if os.environ.get("PERFKIT_CAPTURE_EACH"):
            longest = max((each.duration_ms for each in profile.samples), default=0.0)
            print(
                name,
                round(capture.duration_ms),
                len(profile.samples),
                "longest",
                round(longest),
                {part: (round(truth[part] * 1000), round(seen[part])) for part in truth},
                file=sys.stderr,
            )
        for part, took in truth.items():
            both = sums.setdefault(part, [0.0, 0.0])
            both[0] += took / sum(truth.values())
            both[1] += seen[part] / (sum(seen.values()) or 1.0)
            if result.engine != "cprofile":
                apart = abs(took / sum(truth.values()) - seen[part] / (sum(seen.values()) or 1.0))
                errors.append(apart * 100)
    if result.captures:
        count = result.captures
        result.points = max(abs(true - seen) / count * 100 for true, seen in sums.values())
        result.worst_points = max(errors, default=0.0)
        result.own = own_ms / all_ms


def in_part(capture: Any, part: str) -> float:
    """Return the milliseconds of a capture that were in a part, or below it."""
    profile = capture.profile
    if capture.engine == "cprofile":
        frames = profile.frames
        return sum(each.total_ms for each in profile.calls if frames[each.frame].function == part)
    inside = []
    for node in profile.nodes:
        is_in = profile.frames[node.frame].function == part
        inside.append(is_in or (node.parent >= 0 and inside[node.parent]))
    return sum(sample.duration_ms for sample in profile.samples if inside[sample.node])


HEADERS = ("Python", "server", "engine", "requests", "failed", "captures", "refused", "samples",
           "foreign", "split off by", "worst", "p50 without", "p50 with", "change",
           "page without", "page with", "own CPU")  # fmt: skip


def cells(each: Result) -> list[str]:
    """Return a result's cells as text."""
    return [
        each.python,
        each.server,
        each.engine,
        f"{each.requests:,}",
        str(each.failed),
        str(each.captures),
        str(each.refused),
        f"{each.samples:,}",
        str(each.foreign) + (" (labeled)" if each.labelled else ""),
        f"{each.points:.1f}" if each.engine != "cprofile" else "",
        f"{each.worst_points:.1f}" if each.engine != "cprofile" else "",
        f"{statistics.median(each.without_ms):.1f} ms",
        f"{statistics.median(each.with_ms):.1f} ms",
        f"{each.slower:+.1%}",
        f"{statistics.median(each.page_without_ms):.0f} ms",
        f"{statistics.median(each.page_with_ms):.0f} ms",
        f"{each.own:.2%}" if each.engine == "sampler" else "",
    ]


def row(each: Result) -> str:
    """Return a line of text."""
    return "  ".join(
        f"{name}: {cell}" for name, cell in zip(HEADERS, cells(each), strict=True) if cell
    )


def page(results: list[Result], rounds: int) -> str:
    """Return the page for the docs."""
    lines = [
        "# Captures under load",
        "",
        f"`make capture-load` printed this. {BYSTANDERS} clients ask for a page that computes for 1 ms and waits for",
        "30 ms; a 20th asks for one that computes 60, 30 and 10 ms in three functions (under uvicorn in slices of 1 ms,",
        f"between which the loop runs the others). In each second stretch of {STRETCH_S:g} s all of its requests are captured.",
        f"{rounds} pairs of stretches, on a machine of two processors that runs the clients too.",
        "",
        "- *failed*: answers other than 200. *foreign*: functions of other requests in the captures.",
        "- *split off by*: points between the split that the captures show and the one that the captured requests measured",
        "  themselves, on average over the captures; *worst*: of a single capture.",
        "- *change*: of the bystanders' median, over pairs of stretches. *own CPU*: of the sampler's thread, as a share of one.",
        '- cProfile runs with `CAPTURE_SHARED = "label"`; as it comes it would be refused here.',
        "",
        "| " + " | ".join(HEADERS) + " |",
        "|" + "---|" * len(HEADERS),
        *("| " + " | ".join(cells(each)) + " |" for each in results),
        "",
        "Bars: 0 failed; 0 foreign with the sampler and pyinstrument; with the sampler the split within",
        f"{MOST_POINTS:g} points, the bystanders' median no more than {MOST_SLOWER:.0%} longer, {MOST_OWN:.0%} of a CPU.",
        "",
    ]
    missed = [f"{each.python} {each.server} {each.engine}: {', '.join(bars)}"
              for each in results if (bars := each.missed())]  # fmt: skip
    lines.append("Missed: " + ("; ".join(missed) if missed else "none") + ".")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
