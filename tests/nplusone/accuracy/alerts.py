"""What another tool said about a case, in one form for all of them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.nplusone.case import ROOT, Line


class Step(NamedTuple):
    """One call that a fix writes: on which model's queryset, which method, for which relation."""

    model: str
    method: str
    relation: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        text: the tool's own words.
        name: the field or relation that it names.
        line: the line that it names.
        steps: the calls that it says to write; any of them where it offers several.
        kind: perfkit's word for what it tells of.
    """

    text: str
    name: str = ""
    line: Line | None = None
    steps: tuple[Step, ...] = ()
    kind: str = "n_plus_one"


def line(file: str, number: int) -> Line:
    """Name a line as the corpus does, its file from the project's root."""
    path = Path(file)
    return Line(
        path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path), number
    )


def steps(fix: str, model: str) -> frozenset[Step]:
    """Take the calls out of a fix as the corpus writes it.

    Args:
        fix: ``'.select_related("author")'``, ``"Author.objects.in_bulk(pks)"``,
            ``'list_select_related = ("author",)'``.
        model: label of the root model, which a fix that begins with a dot is appended to.
    """
    try:
        node = ast.parse(f"_{fix}" if fix.startswith(".") else fix).body[0]
    except SyntaxError:
        return frozenset({Step(model, fix)})
    root = model.rpartition(".")[2]
    if isinstance(node, ast.Assign):
        name = ast.unparse(node.targets[0])
        return frozenset(Step(root, name, each) for each in _strings(node.value))
    calls, at = [], getattr(node, "value", None)
    while isinstance(at, ast.Call | ast.Attribute):
        if isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute):
            calls.append(at)
        at = at.func if isinstance(at, ast.Call) else at.value
    owner = root if fix.startswith(".") or not isinstance(at, ast.Name) else at.id
    return frozenset(
        Step(owner, str(getattr(call.func, "attr", "")), relation)
        for call in calls
        for relation in _relations(call)
    )


def _relations(call: ast.Call) -> list[str]:
    """Return what a call names: relations and fields, or the field that ``in_bulk()`` goes by."""
    named = [word.value for word in call.keywords if word.arg == "field_name"]
    arguments = [
        each.args[0] if isinstance(each, ast.Call) and each.args else each for each in call.args
    ]
    return [name for each in (*arguments, *named) for name in _strings(each)] or [""]


def _strings(node: ast.AST) -> list[str]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return [
        part.value
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
