"""Random code over random relations: flagged exactly when its statements grow with its rows.

``PERFKIT_TEST_EXAMPLES`` sets how many programs are tried; the default runs in a few seconds. The
programs are real source files, so that each access has a line of its own.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from textwrap import indent
from typing import Any

import django.db.models
import pytest
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.template import Context, Engine
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from perfkit import record
from perfkit.isolation import failures
from perfkit.record import Finding
from tests.nplusone import models as m
from tests.nplusone.fill import fill
from tests.nplusone.must_not_flag_watch import told

pytestmark = pytest.mark.django_db

#: Twice as many as the most that a program walks over.
FILLED = 24
THRESHOLD = 5

#: Names the programs' files.
_numbers = count()

MODELS = {
    name: model
    for name, model in vars(m).items()
    if isinstance(model, type) and issubclass(model, django.db.models.Model)
}
MODELS = {name: model for name, model in MODELS.items() if model.__module__ == m.__name__}


@dataclass(frozen=True)
class Step:
    """One relation: its attribute, what kind it is, and the model that it leads to."""

    name: str
    kind: str
    target: Any
    field: Any = None

    @property
    def is_many(self) -> bool:
        """Whether a manager stands behind it."""
        return self.kind == "many"


def steps_of(model: Any) -> Iterator[Step]:
    """Read a model's relations off its ``_meta``."""
    for field in model._meta.get_fields(include_hidden=False):
        target = field.related_model
        if field.name == "subject":
            yield Step("subject", "generic", m.Book)
        elif target is None or target.__module__ != m.__name__:
            continue
        elif field.one_to_many or field.many_to_many:
            name = field.get_accessor_name() if isinstance(field, ForeignObjectRel) else field.name
            yield Step(name, "many", target, field)
        elif isinstance(field, ForeignObjectRel):
            yield Step(field.get_accessor_name(), "reverse one", target, field)
        else:
            yield Step(field.name, "null" if field.null else "forward", target, field)


STEPS = {model: list(steps_of(model)) for model in MODELS.values()}
ROOTS = [model for model, steps in STEPS.items() if steps]

#: What is asked of a manager, as an expression.
MANY = {
    "all": "sorted(str(x.pk) for x in {}.all())",
    "len": "len({}.all())",
    "bool": "bool({}.all())",
    "count": "{}.count()",
    "exists": "{}.exists()",
    "first": "getattr({}.first(), 'pk', None)",
    "values": "sorted(map(str, {}.values_list('pk', flat=True)))",
    "filter": "sorted(str(x.pk) for x in {}.filter(pk__isnull=False))",
    "order": "[x.pk for x in {}.order_by('-pk')]",
    "sum": "{}.aggregate(n=Count('pk'))['n']",
    "iterator": "len(list({}.iterator()))",
    "sorted": "sorted((x.pk for x in {}.all()), reverse=True)",
}
#: What a site writes in place of a query that goes past prefetched rows.
REWRITTEN = {"values": "all", "iterator": "len", "order": "sorted"}
#: Those that a template can ask.
IN_TEMPLATE = {"all", "len", "count", "exists", "first"}
PLACES = (
    "detail",
    "loop",
    "function",
    "property",
    "comprehension",
    "generator",
    "map",
    "while",
    "template",
)
EAGER = ("none", "none", "partial", "prefetch", "join")
TRIMS = ("", "", "", "only", "defer")


@dataclass(frozen=True)
class Program:
    """A random piece of a site.

    Attributes:
        root: the model whose rows it walks over.
        steps: the relations it follows from each row.
        terminal: what it asks of the last one, when that is a manager.
        style: ``"attribute"``, or ``"query"`` for a lookup by key written out.
        eager: what the queryset loads along.
        trim: ``"only"`` or ``"defer"`` when columns are left out.
        place: where the access stands.
        rows: how many rows it walks over.
        sliced: the rows are a slice and not a filter.
        shared: all keys, of each model on the way, lead to one row.
    """

    root: Any
    steps: tuple[Step, ...]
    terminal: str = "all"
    style: str = "attribute"
    eager: str = "none"
    trim: str = ""
    place: str = "loop"
    rows: int = 6
    sliced: bool = False
    shared: bool = False

    def queryset(self, rows: int) -> Any:
        """Return the rows' queryset."""
        found = self.root.objects.order_by("pk")
        names = [step.name for step in self.steps]
        if self.eager == "partial":
            names.pop()
        joined = 0
        if self.eager in ("join", "partial") and not self.trim:
            while joined < len(names) and self.steps[joined].kind not in ("many", "generic"):
                joined += 1
        if joined:
            found = found.select_related("__".join(names[:joined]))
        if self.eager != "none" and joined < len(names):
            found = found.prefetch_related("__".join(names))
        if self.trim == "only":
            found = found.only("pk")
        elif self.trim == "defer" and self.steps[0].kind in ("forward", "null"):
            found = found.defer(self.steps[0].name)
        if self.sliced:
            return found[:rows]
        keys = list(self.root.objects.order_by("pk").values_list("pk", flat=True)[:rows])
        return found.filter(pk__in=keys)

    def asked(self) -> list[str]:
        """Return the lines that read what is wanted of ``row`` into ``value``."""
        lines: list[str] = ["value = None"]
        pad, last = "", "row"
        for at, step in enumerate(self.steps):
            end = at == len(self.steps) - 1
            name = f"x{at}"
            reads = f"{last}.{step.name}"
            if at == 0 and self.style == "query":
                reads = self.lookup()
            if step.is_many and end:
                lines.append(f"{pad}value = [value, {MANY[self.terminal].format(reads)}]")
            elif step.is_many:
                lines.append(f"{pad}for {name} in sorted({reads}.all(), key=lambda x: x.pk):")
                pad += "    "
            elif step.kind == "reverse one":
                lines.append(f"{pad}try:")
                lines.append(f"{pad}    {name} = {reads}")
                lines.append(f"{pad}except ObjectDoesNotExist:")
                lines.append(f"{pad}    {name} = None")
                lines.append(f"{pad}if {name} is not None:")
                pad += "    "
            else:
                lines.append(f"{pad}{name} = {reads}")
                lines.append(f"{pad}if {name} is not None:")
                pad += "    "
            last = name
        if not self.steps[-1].is_many:
            lines.append(f"{pad}value = [value, str({last}.{self.column()})]")
        return lines

    def column(self) -> str:
        """Name a column of the last model that is not its key, where it has one."""
        fields = self.steps[-1].target._meta.concrete_fields
        plain = [f.name for f in fields if not f.is_relation and not f.primary_key]
        return plain[0] if plain else "pk"

    def lookup(self) -> str:
        """Write the first step out as a query of its own."""
        step = self.steps[0]
        model = step.target.__name__
        if step.is_many:
            return f"{model}.objects.filter({step.field.field.name}=row)"
        return f"{model}.objects.get(pk=row.{step.field.attname})"

    def source(self) -> str:
        """Return the program as a module with a function ``run(rows)``."""
        asked = "\n".join(self.asked())
        if self.place == "detail":
            body = f"row = rows.first()\nif row is None:\n    return None\n{asked}\nreturn value"
            return "def run(rows):\n" + indent(body, "    ")
        if self.place == "loop":
            body = "found = []\nfor row in rows:\n"
            body += indent(f"{asked}\nfound.append(value)", "    ") + "\nreturn found"
            return "def run(rows):\n" + indent(body, "    ")
        if self.place == "while":
            body = (
                "rows = list(rows)\nfound, at = [], 0\nwhile at < len(rows):\n    row = rows[at]\n"
            )
            body += indent(f"{asked}\nfound.append(value)\nat += 1", "    ") + "\nreturn found"
            return "def run(rows):\n" + indent(body, "    ")
        if self.place == "property":
            body = indent(f"row = self.row\n{asked}\nreturn value", "        ")
            return (
                "class Shown:\n    def __init__(self, row):\n        self.row = row\n\n"
                f"    @property\n    def value(self):\n{body}\n\n\n"
                "def run(rows):\n    return [Shown(row).value for row in rows]"
            )
        use = "def use(row):\n" + indent(f"{asked}\nreturn value", "    ")
        how = {
            "function": "    found = []\n    for row in rows:\n        found.append(use(row))\n"
            "    return found",
            "comprehension": "    return [use(row) for row in rows]",
            "generator": "    return list(walk(rows))",
            "map": "    return list(map(use, rows))",
        }[self.place]
        if self.place == "generator":
            use += "\n\n\ndef walk(rows):\n    for row in rows.iterator(chunk_size=100):\n"
            use += "        yield use(row)"
        return f"{use}\n\n\ndef run(rows):\n{how}"

    def template(self) -> str:
        """Return the program as a template that shows ``rows``."""
        text, ends, last = "{% for row in rows %}\n", "{% endfor %}", "row"
        for at, step in enumerate(self.steps):
            end = at == len(self.steps) - 1
            if not step.is_many:
                last = f"{last}.{step.name}"
            elif not end or self.terminal in ("all", "len"):
                text += f"{{% for x{at} in {last}.{step.name}.all %}}\n"
                last, ends = f"x{at}", "{% endfor %}" + ends
            else:
                last = f"{last}.{step.name}.{self.terminal}"
        if not self.steps[-1].is_many:
            last = f"{last}.{self.column()}"
        elif self.terminal in ("all", "len", "first"):
            last = f"{last}.pk"
        return f"{text}{{{{ {last} }}}}\n{ends}"


def programs() -> st.SearchStrategy[Program]:
    """Draw programs."""
    return st.composite(_program)()


def _program(draw: Callable[[Any], Any]) -> Program:
    root = draw(st.sampled_from(ROOTS))
    steps: list[Step] = [draw(st.sampled_from(STEPS[root]))]
    for _ in range(draw(st.integers(0, 2))):
        further = [
            step
            for step in STEPS[steps[-1].target]
            if not (step.is_many and any(before.is_many for before in steps))
        ]
        if not further:
            break
        steps.append(draw(st.sampled_from(further)))
    place = draw(st.sampled_from(PLACES))
    terminals = sorted(IN_TEMPLATE) if place == "template" else sorted(MANY)
    first = steps[0]
    plain_key = first.kind == "forward" and first.field.target_field.primary_key
    plain_set = first.is_many and first.field.one_to_many and hasattr(first.field, "field")
    styles = ["attribute"] * 3
    if (plain_key or plain_set) and place != "template":
        styles.append("query")
    style = draw(st.sampled_from(styles))
    most = min(12, root.objects.count() // 2)
    return Program(
        root,
        tuple(steps),
        draw(st.sampled_from(terminals)),
        style,
        "none" if style == "query" else draw(st.sampled_from(EAGER)),
        "" if style == "query" else draw(st.sampled_from(TRIMS)),
        place,
        draw(st.integers(0, most)),
        draw(st.booleans()),
        draw(st.booleans()),
    )


class _Undo(Exception):
    """Ends a transaction whose writes must not last."""


@contextmanager
def world(program: Program) -> Iterator[None]:
    """Let all keys lead to one row while the block runs, if the program says so."""
    models = [program.root, *(step.target for step in program.steps)] if program.shared else []
    try:
        with transaction.atomic():
            for model in models:
                for field in model._meta.concrete_fields:
                    if field.many_to_one and field.related_model.__module__ == m.__name__:
                        first = field.related_model.objects.order_by("pk")[0]
                        model.objects.update(**{field.name: first})
            yield
            raise _Undo
    except _Undo:
        pass


def compiled(program: Program, folder: Path, number: int) -> Callable[[Any], Any]:
    """Write a program to a file of its own and return its function."""
    if program.place == "template":
        (folder / f"page{number}.html").write_text(program.template())
        page = Engine(dirs=[str(folder)]).get_template(f"page{number}.html")
        return lambda rows: sorted(page.render(Context({"rows": rows})).split())
    path = folder / f"program{number}.py"
    path.write_text(program.source())
    names = {**MODELS, "Count": django.db.models.Count, "ObjectDoesNotExist": ObjectDoesNotExist}
    exec(compile(program.source(), str(path), "exec"), names)
    run: Callable[[Any], Any] = names["run"]
    return run


Ran = Counter[tuple[str, int]]


def measured(run: Callable[[], Any], folder: Path) -> tuple[Any, Ran]:
    """Return what code gives and how often each of its lines ran each statement.

    Lists of keys are shortened; a template is one line.
    """
    ran: Ran = Counter()
    inside = str(folder)

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        frame = sys._getframe()
        while frame.f_back and not frame.f_code.co_filename.startswith(inside):
            frame = frame.f_back
        ran[re.sub(r"IN \((?:[^()]|\([^()]*\))*\)", "IN (+)", sql), frame.f_lineno] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        result = run()
    return result, ran


NAMES = {name: getattr(django.db.models, name) for name in django.db.models.__all__} | MODELS
NAMES["GenericPrefetch"] = GenericPrefetch


def is_root(program: Program, finding: Finding, folder: Path) -> bool:
    """Tell whether a finding is about the rows that the program was given, and no inner queryset."""
    assert finding.origin is not None
    path = folder / Path(finding.origin.file).name
    if program.place == "template":  # an only row leads to querysets that the template evaluates
        return program.rows > 1
    return "rows" in path.read_text().splitlines()[finding.origin.line - 1]


def is_rerun(fix: str) -> bool:
    """Tell whether a fix needs no change at the line that reads."""
    named = {
        getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(f"queryset{fix}"))
        if isinstance(node, ast.Call)
    }
    return named <= {"select_related", "prefetch_related", "only", "defer"}


def check(program: Program, folder: Path, number: int) -> None:
    """Hold one program against what perfkit says about it."""
    run = compiled(program, folder, number)
    plain, ran = measured(lambda: run(program.queryset(program.rows)), folder)
    _, twice = measured(lambda: run(program.queryset(2 * program.rows)), folder)
    growing = {key: number for key, number in ran.items() if twice[key] > number}
    nested = any(step.is_many for step in program.steps[:-1])
    if nested:  # an inner loop grows with rows of its own
        growing |= {key: n for key, n in ran.items() if n > 1 and "IN (+)" not in key[0]}
    most, total = max(growing.values(), default=0), sum(growing.values())
    by_key = program.style == "query"  # then the second step has a queryset of its own
    # One statement is no loop; of a row that a get() loaded, few are not known to be one either.
    few = sum(n for n in growing.values() if n == 1 or (by_key and n < THRESHOLD))
    few += by_key and nested  # a first turn with most of the inner rows may stand apart
    failed = failures.copy()
    with record() as recorded:
        seen, watched = measured(lambda: run(program.queryset(program.rows)), folder)
    findings = recorded.findings
    note(program.template() if program.place == "template" else program.source())
    note(f"{program.rows} rows; grows: {growing}; perfkit: {told(findings) or 'nothing'}")
    assert seen == plain, "recording changed the result"
    assert watched == ran, "recording changed the statements"
    assert failures == failed, "a failure of perfkit's own"
    warnings = [finding for finding in findings if finding.severity == "warning"]
    if not growing:
        alone = [
            finding for finding in findings if (finding.severity, finding.count) == ("info", 1)
        ]
        if program.shared:  # a row that is its own parent is asked for twice, indeed
            findings = tuple(f for f in findings if f.kind != "duplicate_query")
        latent = nested or (program.rows == 1 and program.place != "detail")
        assert [*findings] == (alone if latent else []), "flagged, though statements do not grow"
        return
    if total < THRESHOLD:
        assert not warnings, "a warning of few statements"
        return
    if most < THRESHOLD:
        return
    assert warnings, "not flagged, though statements grow with rows"
    assert len(findings) == 1 or by_key, "more than one finding for one queryset"
    covered = sum(finding.count for finding in findings)
    assert total - few <= covered <= total, f"{covered} statements covered, of {total}"
    if len(findings) > 1:
        return
    if " in place of " in warnings[0].message:
        terminal = REWRITTEN.get(program.terminal, program.terminal)
        program = replace(program, style="attribute", terminal=terminal)
        run = compiled(program, folder, next(_numbers))
    check_fix(program, run, warnings[0], plain, ran, folder)


def check_fix(
    program: Program,
    run: Callable[[Any], Any],
    finding: Finding,
    plain: Any,
    ran: Ran,
    folder: Path,
) -> None:
    """Write the fix and hold what it saves against what was promised.

    Args:
        program: the program.
        run: what it does with the fix written, the line that reads included.
        finding: what perfkit says.
        plain: what the program gives.
        ran: what it runs.
        folder: where its file is.
    """
    assert finding.message
    if not finding.fix.startswith(".") or not is_root(program, finding, folder):
        return

    def queryset() -> Any:
        built = program.queryset(program.rows)
        return eval(f"queryset{finding.fix}", {**NAMES, "queryset": built})

    if not is_rerun(finding.fix):
        rows, after = measured(lambda: list(queryset()), folder)
        assert [row.pk for row in rows] == [row.pk for row in program.queryset(program.rows)]
        assert after.total() <= ran.total() - finding.saved
        return
    again, after = measured(lambda: run(queryset()), folder)
    assert again == plain, "another result with the fix"
    saved = ran.total() - after.total()
    assert saved >= finding.saved, f"{after.total()} ran with the fix, of {ran.total()}"
    assert saved == finding.saved or program.rows == 1, f"{saved} saved, {finding.saved} promised"
    with record() as fixed:
        run(queryset())
    whole = finding.saved == finding.count and len(program.steps) == 1
    left = [f for f in fixed.findings if f.severity == "warning" and (f.fix or whole)]
    assert not left, f"with the fix: {told(left)}"


@pytest.fixture(autouse=True)
def many(db: None, settings: Any) -> None:
    """Have rows enough, and judge by counts: a loaded machine makes any statement slow."""
    settings.PERFKIT = {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}
    fill(FILLED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs' files go."""
    return tmp_path_factory.mktemp("programs")


@settings(
    max_examples=int(os.environ.get("PERFKIT_TEST_EXAMPLES", "250")),
    derandomize="PERFKIT_TEST_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
@given(program=programs())
def test_flagged_exactly_when_statements_grow_with_rows(program: Program, folder: Path) -> None:
    """And the fix, written, gives the same and saves what it promises."""
    with world(program):
        check(program, folder, next(_numbers))
