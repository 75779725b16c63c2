"""Runs code twice, unwatched and recorded, and holds that recording changed nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from perfkit import record
from perfkit.isolation import failures
from perfkit.record import Finding, RequestRecord


@dataclass(frozen=True)
class Watched:
    """What a piece of code did under ``perfkit.record()``.

    Attributes:
        outcome: what it returned, or the exception it raised, as text.
        statements: how many it ran.
        record: what was recorded.
    """

    outcome: Any
    statements: int
    record: RequestRecord

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What perfkit said."""
        return self.record.findings


def watch(
    run: Callable[[], Any],
    *,
    prepare: Callable[[], Any] | None = None,
    raises: tuple[type[Exception], ...] = (),
    undo: bool = True,
) -> Watched:
    """Run code unwatched, then recorded, and compare result, exception and statements.

    Args:
        run: the code; called twice, each time on the same rows.
        prepare: called before each, not counted.
        raises: exceptions that belong to it.
        undo: take back what it writes.
    """
    failed = failures.copy()
    plain = _counted(run, prepare, raises, undo)
    recorder = record()
    seen = _counted(run, prepare, raises, undo, recorder)
    assert seen == plain, f"recorded: {seen!r}, unwatched: {plain!r}"
    assert failures == failed, "a failure of perfkit's own"
    return Watched(*seen, recorder.result)


class _Undo(Exception):
    """Ends a transaction whose writes must not last."""


def _counted(
    run: Callable[[], Any],
    prepare: Callable[[], Any] | None,
    raises: tuple[type[Exception], ...],
    undo: bool,
    recorder: record | None = None,
) -> tuple[Any, int]:
    """Return the outcome and the number of statements."""
    if undo:
        outcome: tuple[Any, int] = (None, 0)
        try:
            with transaction.atomic():
                outcome = _counted(run, prepare, raises, False, recorder)
                raise _Undo
        except _Undo:
            return outcome
    if prepare is not None:
        prepare()
    with CaptureQueriesContext(connection) as log:
        try:
            if recorder is None:
                result = run()
            else:
                with recorder:
                    result = run()
        except raises as error:
            result = f"{type(error).__name__}: {error}"
    return result, len(log)


def told(findings: Iterable[Finding]) -> str:
    """Show findings, a line each; nothing when there is none."""
    return "\n".join(
        f"[{f.severity} {f.kind} {f.model}.{f.path} x{f.count} saves {f.saved} ({f.cost_ms:.1f} ms)"
        f" fix={f.fix!r} access={f.access} origin={f.origin} loop={f.loop} | {f.message}]"
        for f in findings
    )
