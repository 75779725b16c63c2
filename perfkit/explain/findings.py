"""Turns what a plan shows into a finding: the model, its fields, and what to write."""

from __future__ import annotations

from functools import lru_cache
from math import log10
from typing import Any

from django.apps import apps

from perfkit.analyzers.repeats import fingerprint
from perfkit.analyzers.schema import quoted
from perfkit.explain.problem import FULL_SCAN, Problem
from perfkit.record import Finding, Site

KIND = "query_plan"


def finding(
    problem: Problem, *, shape: str, alias: str, site: Site | None, duration_ms: float
) -> Finding:
    """Make a finding of a problem; one edit is one finding, whatever statement it serves.

    Args:
        problem: what the plan shows.
        shape: of the statement that was explained.
        alias: its database.
        site: the line that asked.
        duration_ms: milliseconds that the statement took.
    """
    model = _model_of(problem.table)
    fields = tuple(_field(model, column) for column in problem.columns)
    label = "" if model is None else str(model._meta.label)
    return Finding(
        kind=KIND,
        severity="info" if problem.what == FULL_SCAN else "warning",
        message=_message(problem, label, fields),
        count=1,
        saved=0,
        cost_ms=duration_ms,
        fingerprint=fingerprint(KIND, problem.what, alias, problem.table, *problem.columns),
        model=label,
        path=", ".join(fields),
        access=site,
        shape=shape,
        alias=alias,
    )


@lru_cache(maxsize=256)
def _model_of(table: str) -> Any:
    """Return the model of a table; None where there is none, or several."""
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.db_table == table and not model._meta.proxy
    ]
    return models[0] if len(models) == 1 else None


def _field(model: Any, column: str) -> str:
    if model is None:
        return column
    named = (field.name for field in model._meta.concrete_fields if field.column == column)
    return next(named, column)


def _message(problem: Problem, label: str, fields: tuple[str, ...]) -> str:
    name = label or problem.table
    rows = f"at least {10 ** int(log10(max(problem.rows, 1))):,}"
    told = " and ".join(fields) or "an expression"
    read = f"{name}: the database reads all rows, {rows},"
    match problem.what:
        case "missing_index":
            return f"{read} to find few by {told}: no index begins with that; {_add(label, problem, fields)}"
        case "unused_index":
            return (
                f"{read} to find few by {told}, though there is an index that begins with it; compare "
                "the column itself, by its own type, let the database analyze the table, or index all that "
                "an OR compares"
            )
        case "unserved":
            return (
                f"{read} to find few by {told}, compared in a way that a plain index does not serve, by a "
                "pattern or a function; index that expression, or for a pattern use a trigram index"
            )
        case "full_scan" if fields:
            return (
                f"{read} to compare {told}, and most of them match; ask for fewer, or for their sum"
            )
        case "full_scan":
            return f"{read} as nothing limits them; filter, slice, or keep the sum instead of asking for it"
        case "sort":
            return (
                f"{name}: the database sorts {rows} rows by {told}; {_add(label, problem, fields)}, "
                "so that they come in order, or filter first"
            )
        case "sort_on_disk":
            return (
                f"{name}: {rows} rows are sorted by {told}, more than fits into work_mem, so that it goes "
                "to disk; ask for fewer rows or columns, add an index in that order, or raise work_mem"
            )
        case _:
            return (
                f"{name}: {rows} rows are hashed, more than fits into work_mem, so that it goes to disk; "
                "ask for fewer rows or columns, or raise work_mem"
            )


def _add(label: str, problem: Problem, fields: tuple[str, ...]) -> str:
    if label and fields:
        return f"add models.Index(fields=[{quoted(fields)}]) to the indexes of {label}"
    return (
        f"add an index on {problem.table} ({', '.join(problem.columns) or 'what it is sorted by'})"
    )
