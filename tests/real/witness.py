"""Ask a site for its planned pages inside one process and note every statement with its whole stack, beside perfkit's findings.

What repeats is told by this file alone: one text of statement from one whole stack, at least five times in a
request. It shares no code with perfkit, whose findings are only laid beside it. Runs in the site's environment:
``python witness.py PLAN OUT``; one JSON line a request.
"""

import json
import re
import sys
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - models exist after setup()
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402

import perfkit  # noqa: E402
from perfkit.metrics.route import route_label  # noqa: E402
from perfkit.record import Finding, RequestRecord, Site  # noqa: E402

REPEATS = 5
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
MANY = re.compile(r"\((?:%s|\?)(?:, (?:%s|\?))+\)")
ROOTS = sorted((str(Path(entry).resolve()) for entry in sys.path if entry), key=len, reverse=True)
NOBODYS = (
    str(Path(django.__file__).parent),
    str(Path(perfkit.__file__).parent),
    sysconfig.get_path("stdlib"),
    __file__,
    "<frozen",
)
TRANSACTION = re.compile(r"BEGIN|SAVEPOINT|RELEASE|ROLLBACK")
PACKAGES = sysconfig.get_path("purelib")

Frame = tuple[str, int, str, int]


def relative(file: str) -> str:
    """Return a file's path below the folder that it is imported or loaded from."""
    for root in ROOTS:
        if file.startswith(root + "/"):
            return file[len(root) + 1 :]
    return file


def is_sites(file: str) -> bool:
    """Tell whether a frame belongs to the site or a package, not to Django or Python."""
    return file.startswith(PACKAGES + "/") or not file.startswith(NOBODYS)


def stack(frame: FrameType | None) -> Iterator[Frame]:
    """Yield (file, line, function, instruction) innermost first, templates' lines among them."""
    while frame is not None and frame.f_code.co_filename != __file__:
        code = frame.f_code
        if code.co_name == "render_annotated" and "self" in frame.f_locals:
            node, context = frame.f_locals["self"], frame.f_locals.get("context")
            origin = getattr(node, "origin", None) or getattr(
                getattr(context, "template", None), "origin", None
            )
            if node.token is not None and origin is not None:
                yield relative(str(origin.name)), node.token.lineno, "", hash(node.token.contents)
        elif is_sites(code.co_filename) and not code.co_filename.startswith(NOBODYS):
            yield relative(code.co_filename), frame.f_lineno, code.co_qualname, frame.f_lasti
        frame = frame.f_back


class Witness:
    """An execute wrapper that notes each statement: its text without values, its values, its stack."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, tuple[Frame, ...]]] = []
        self.failures: list[Exception] = []

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Note the statement and run it."""
        if TRANSACTION.match(sql):  # perfkit counts these apart
            return execute(sql, params, many, context)
        try:
            frames = tuple(stack(sys._getframe(1)))
        except Exception as error:  # a template would swallow it
            self.failures.append(error)
            raise
        self.seen.append((LITERAL.sub("?", MANY.sub("(…)", sql)), repr((sql, params)), frames))
        return execute(sql, params, many, context)


def covers(finding: Finding, shapes: set[str], lines: set[tuple[str, int]]) -> bool:
    """Tell whether a finding is about these statements: their shape, and its line lies on their stack."""
    accesses: list[tuple[str, Site | None]] = [(part.shape, part.access) for part in finding.parts]
    accesses = accesses or [(finding.shape, finding.access)]
    return any(
        shape in shapes and access is not None and (access.file, access.line) in lines
        for shape, access in accesses
    )


def told(finding: Finding) -> dict[str, Any]:
    """Return what the table shows of a finding."""
    return {
        name: str(value) if isinstance(value, Site) else value
        for name in ("kind", "severity", "model", "path", "fix", "message", "count", "saved", "access", "origin", "loop")
        for value in [getattr(finding, name)]
    } | {
        "callers": [str(site) for site in finding.callers],
        "parts": [(part.path, part.count, str(part.access)) for part in finding.parts],
    }  # fmt: skip


def repeats(witness: Witness, record: RequestRecord) -> list[dict[str, Any]]:
    """Return what repeated, the most often first, each with the numbers of the findings that cover it."""
    queries = [query for query in record.queries if not TRANSACTION.match(query.sql)]
    if len(queries) != len(witness.seen):
        raise ValueError(f"{len(queries)} statements recorded, {len(witness.seen)} seen")
    groups: dict[tuple[str, tuple[tuple[str, str, int], ...]], list[int]] = defaultdict(list)
    texts: Counter[str] = Counter()
    for number, (text, _values, frames) in enumerate(witness.seen):
        whole = tuple((file, function, place) for file, _line, function, place in frames)
        groups[text, whole].append(number)
        texts[text] += 1
    loops = {key: numbers for key, numbers in groups.items() if len(numbers) >= REPEATS}
    rest: dict[str, list[int]] = defaultdict(list)
    for key, numbers in groups.items():
        if key not in loops and texts[key[0]] >= REPEATS:
            rest[key[0]] += numbers
    found = []
    for strict, text, numbers in [
        *((True, text, numbers) for (text, _), numbers in loops.items()),
        *((False, text, numbers) for text, numbers in rest.items() if len(numbers) >= REPEATS),
    ]:
        shapes = {queries[number].shape for number in numbers}
        lines = {(file, line) for n in numbers for file, line, _, _ in witness.seen[n][2]}
        covering = [i for i, one in enumerate(record.findings) if covers(one, shapes, lines)]
        found.append(
            {
                "strict": strict,
                "text": text,
                "count": len(numbers),
                "distinct": len({witness.seen[number][1] for number in numbers}),
                "stacks": len({witness.seen[number][2] for number in numbers}),
                "stack": [
                    f"{file}:{line} {name}" for file, line, name, _ in witness.seen[numbers[0]][2]
                ],
                "findings": covering,
            }
        )
    return sorted(found, key=lambda one: -one["count"])


def ask(client: Client, path: str) -> tuple[str, RequestRecord, bytes]:
    """Ask for one page to its last byte and return its route, what perfkit recorded, and the body."""
    with perfkit.record() as recording:
        response = client.get(path, headers={"host": "127.0.0.1"})
        body = b"".join(response) if response.streaming else response.content
    result = recording.result
    assert result is not None
    return (
        route_label(response.wsgi_request.resolver_match, response.status_code),
        result,
        body,
    )


def main(plan: dict[str, list[str]], out: Path) -> None:
    """Visit each planned page as each visitor and write what repeated."""
    perfkit.record().__enter__().__exit__(None, None, None)  # hooks are in before the witness
    witness = Witness()
    connections["default"].ensure_connection()
    connections["default"].execute_wrappers.append(witness)  # innermost: no hook sees its frames
    with out.open("w") as lines:
        for visitor, paths in plan.items():
            client = Client(raise_request_exception=False)
            if visitor == "staff":
                client.force_login(
                    get_user_model().objects.get(username="staff"),
                    "django.contrib.auth.backends.ModelBackend",
                )
            for path in paths:
                witness.seen.clear()
                route, record, _ = ask(client, path)
                if witness.failures:
                    raise witness.failures[0]
                line = {
                    "visitor": visitor,
                    "path": path,
                    "route": route,
                    "statements": record.statements,
                    "seen": len(witness.seen),
                    "findings": list(map(told, record.findings)),
                    "repeats": repeats(witness, record),
                }
                lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
