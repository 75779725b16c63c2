"""What perfkit says about a case, beside what is expected of it, one aspect at a time."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from django.db import connection, transaction
from django.template.loader import get_template
from django.test.utils import CaptureQueriesContext

from perfkit import record
from perfkit.isolation import failures
from perfkit.record import Finding, RequestRecord, Site
from tests.nplusone.case import Case, line_of


@dataclass(frozen=True)
class Verdict:
    """How perfkit did on one case.

    Attributes:
        case: the case.
        found: the finding that the case is about; None when there is none.
        record: everything that was recorded.
        faults: (aspect, what is wrong) for whatever differs from what is expected.
    """

    case: Case
    found: Finding | None
    record: RequestRecord
    faults: tuple[tuple[str, str], ...]

    def lacks(self, *aspects: str) -> list[str]:
        """Return what is wrong in these aspects, of all when none is given."""
        return [f"{name}: {text}" for name, text in self.faults if not aspects or name in aspects]


class _Undo(Exception):
    """Ends a transaction whose writes must not last."""


@contextmanager
def undone(case: Case) -> Any:
    """Take back what the block writes; a case that needs commits cleans up after itself."""
    if case.commits:
        yield
        return
    try:
        with transaction.atomic():
            yield
            raise _Undo
    except _Undo:
        pass


def watch(case: Case, run: Callable[[], Any]) -> RequestRecord:
    """Run a case's code under ``perfkit.record()``."""
    with undone(case):
        if case.prepare is not None:
            case.prepare()
        with record() as recorded:
            for once in (run,):  # a loop around the code, which repeats nothing
                once()
    assert recorded.result is not None
    return recorded.result


def count(case: Case, run: Callable[[], Any]) -> tuple[Any, int]:
    """Run a case's code and count its statements, with Django's means and not perfkit's."""
    with undone(case):
        if case.prepare is not None:
            case.prepare()
        with CaptureQueriesContext(connection) as log:
            result = run()
    return result, sum(not _TRANSACTION.match(query["sql"]) for query in log)


_TRANSACTION = re.compile(r"(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT)\b")


def judge(case: Case, executed: bool = True) -> Verdict:
    """Run a case and compare.

    Args:
        case: one that must be flagged.
        executed: run the fix too.
    """
    failures.clear()
    result = watch(case, case.run)
    found = _finding(case, result.findings)
    if found is None:
        said = "; ".join(map(describe, result.findings)) or "nothing"
        faults = [("found", f"no {case.kind}; perfkit said {said}")]
    else:
        faults = list(_faults(case, found, result.findings))
        if executed:
            faults += _executed(case, found)
    faults += [("failure", part) for part in failures]
    return Verdict(case, found, result, tuple(faults))


def describe(finding: Finding) -> str:
    """Show a finding in one line."""
    return (
        f"[{finding.severity} {finding.kind} {finding.model}.{finding.path} x{finding.count}"
        f" saves {finding.saved} fix={finding.fix!r} access={finding.access}"
        f" origin={finding.origin} | {finding.message}]"
    )


def _finding(case: Case, findings: Iterable[Finding]) -> Finding | None:
    """Pick the finding that the case is about: the nearest of its kind."""
    near = [finding for finding in findings if finding.kind == case.kind]
    return max(
        near,
        key=lambda finding: (
            finding.model == case.model,
            case.path is None or paths(finding.path) == paths(case.path),
            _at(finding.access, case.access),
            finding.saved,
        ),
        default=None,
    )


def paths(text: str) -> frozenset[str]:
    """Return the ORM paths of a finding; one that another continues says nothing of its own."""
    names = set(filter(None, text.split(", ")))
    return frozenset(
        name for name in names if not any(other.startswith(name + "__") for other in names)
    )


def _at(site: Site | None, marker: str | None) -> bool:
    if marker is None:
        return True
    line = line_of(marker)
    return site is not None and (site.file, site.line) == tuple(line)


def _faults(case: Case, found: Finding, findings: Iterable[Finding]) -> Iterable[tuple[str, str]]:
    yield from _root_faults(case, found)
    yield from _line_faults(case, found)
    if found.severity != case.severity:
        yield "severity", f"{found.severity}, not {case.severity}"
    if found.saved < case.saved:
        yield "saved", f"{found.saved}, not {case.saved} of {found.count}"
    yield from _fix_faults(case, found)
    for other in findings:
        if other is not found and other.kind not in case.also:
            yield "noise", describe(other)


def _root_faults(case: Case, found: Finding) -> Iterable[tuple[str, str]]:
    if found.model != case.model:
        yield "model", f"{found.model!r}, not {case.model!r}"
    if case.path is not None and paths(found.path) != paths(case.path):
        yield "path", f"{found.path!r}, not {case.path!r}"


def _line_faults(case: Case, found: Finding) -> Iterable[tuple[str, str]]:
    for name, site, marker in (
        ("access", found.access, case.access),
        ("origin", found.origin, case.origin),
    ):
        if not _at(site, marker):
            line = line_of(str(marker))
            yield name, f"{site}, not {line.file}:{line.line} ({marker})"
    for part in (found, *found.parts):
        if part.access is None or not part.access.file.startswith("tests/nplusone/"):
            yield "access", f"{part.access} for {part.path!r} is no line of the site's own"
    further = (*found.callers, found.loop)
    for marker in case.callers:
        if not any(_at(site, marker) for site in further):
            yield "callers", f"{marker} ({line_of(marker).line}) is not in {[*map(str, further)]}"
    if found.loop is not None and not in_corpus(found.loop):
        yield "loop", f"{found.loop} is further out than the code that loops"
    if case.function and not (found.access and found.access.function.endswith(case.function)):
        yield "function", f"{found.access} does not name {case.function}"


def in_corpus(site: Site) -> bool:
    """Tell whether a line is a case's, or of the models and templates that cases use."""
    name = site.file.removeprefix("tests/nplusone/")
    rows_in_turn = "ListSerializer.to_representation"  # a package's loop over rows is one, too
    return site.function.startswith(rows_in_turn) or (
        name != site.file and name.startswith(("must_flag", "models", "template"))
    )


def _fix_faults(case: Case, found: Finding) -> Iterable[tuple[str, str]]:
    if case.fix is not None and calls(found.fix) != calls(case.fix):
        yield "fix", f"{found.fix!r}, not {case.fix!r}; message: {found.message}"
    for word in case.says:
        if word not in found.message:
            yield "message", f"{word!r} is not in {found.message!r}"
    if not found.message or found.message.endswith((":", ";", " ")):
        yield "message", f"{found.message!r} says nothing to do"
    if re.search(r"\b\d", found.message.replace(found.fix, "")):
        yield "message", f"a figure in {found.message!r}"


def _executed(case: Case, found: Finding) -> Iterable[tuple[str, str]]:
    """Check that the fix is in the fixed code, and that this does what the finding promises."""
    if case.fixed is None:
        return
    if found.fix and not is_written(found.fix, case):
        yield "executed", f"the fixed code does not hold {found.fix!r}"
    before, statements = count(case, case.run)
    after, fewer = count(case, case.fixed)
    if before != after:
        yield "executed", f"{after!r} with the fix, {before!r} without"
    if fewer > statements - found.saved:
        yield "executed", f"{statements} - {found.saved} promised, {fewer} ran"
    for other in watch(case, case.fixed).findings:
        if other.severity == "warning" and (
            not paths(found.path) or paths(other.path) & paths(found.path)
        ):
            yield "executed", f"flagged with the fix: {describe(other)}"


def is_written(fix: str, case: Case) -> bool:
    """Tell whether a fix is written in a case's fixed code, in any order of names."""
    sources = [source_of(case.fixed), *map(source_of, case.beside)]
    bare = ["".join(source.split()).replace(",)", ")") for source in sources]
    if any("".join(fix.split()) in text for text in bare):
        return True
    wanted = calls(fix)
    return any(wanted <= calls(source) for source in sources)


def source_of(thing: Any) -> str:
    """Return the source of a function or class, or of a template by name."""
    if isinstance(thing, str):
        return Path(get_template(thing).origin.name).read_text()
    thing = getattr(thing, "awaitable", thing)  # behind async_to_sync
    return dedent(inspect.getsource(thing))


def calls(code: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Return the calls and assignments in code, each with its arguments in no order.

    Which of two relations comes first hangs on what each costs in one run.
    """
    if not code:
        return frozenset()
    try:
        tree = ast.parse(f"_{code}" if code.startswith(".") else code)
    except SyntaxError:
        return frozenset({("", (code,))})
    for node in ast.walk(tree):
        if isinstance(node, ast.List):
            node.elts.sort(key=ast.unparse)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = [f"{word.arg}={ast.unparse(word.value)}" for word in node.keywords]
            found.add((node.func.attr, tuple(sorted([*map(ast.unparse, node.args), *named]))))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List):
            names = tuple(sorted(map(ast.unparse, node.value.elts)))
            found.add((ast.unparse(node.targets[0]), names))
    return frozenset(found)
