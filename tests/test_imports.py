"""Data flows one way: who may import whom, as docs and design draw it, held by reading the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import perfkit
import perfkit_panels

#: A unit imports only from units of a lower number, and freely within itself.
LEVELS = {
    "perfkit.acceptance": 0,
    "perfkit.capture": 0,
    "perfkit.conf": 0,
    "perfkit.errors": 0,
    "perfkit.host": 0,
    "perfkit.isolation": 0,
    "perfkit.lifespan": 0,
    "perfkit.models": 0,
    "perfkit.profiling.capture": 0,  # the model, which the store keeps and the pages show
    "perfkit.statement": 0,
    "perfkit.editor": 1,
    "perfkit.forking": 1,
    "perfkit.hooks": 1,
    "perfkit.looping": 1,
    "perfkit.observation": 1,
    "perfkit.record": 1,
    "perfkit.snapshot": 2,
    "perfkit.analyzers": 2,
    "perfkit.caching": 2,
    "perfkit.flusher": 2,
    "perfkit.metrics": 2,
    "perfkit.stacks": 2,
    "perfkit.analysis": 3,
    "perfkit.explain": 3,
    "perfkit.profiling": 3,
    "perfkit.samples": 3,
    "perfkit.store": 3,
    "perfkit.watchdog": 3,
    "perfkit.pipeline": 4,
    "perfkit.celery": 5,
    "perfkit.checks": 5,
    "perfkit.dashboards": 5,
    "perfkit.middleware": 5,
    "perfkit.profiling.start": 5,  # what views call: it writes to the store
    "perfkit.recording": 5,
    "perfkit.report": 5,
    "perfkit.apps": 6,
    "perfkit.profiled": 6,
    "perfkit.testing": 6,
    "perfkit.views": 6,
    "perfkit.management": 7,
    "perfkit.pytest_plugin": 7,
    "perfkit.urls": 7,
    "perfkit": 7,
    "perfkit.__main__": 8,
    "perfkit_panels": 8,
}
#: Arrows on the longest chain from unit to unit; a package is one unit, read as a whole.
DEPTH_LIMIT = 5
#: What the hot path must do without: each costs more than the whole budget of a statement.
TOO_SLOW_FOR_CAPTURE = {"logging", "re", "django.conf", "traceback", "inspect", "rich", "sqlparse"}
#: Names that say nothing about what is inside.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}

Import = tuple[str, int, bool]


def source_files() -> dict[str, Path]:
    """Map every module of both packages, as imported here, to its file."""
    found = {}
    for package in (perfkit, perfkit_panels):
        (folder,) = package.__path__
        for path in sorted(Path(folder).rglob("*.py")):
            parts = path.relative_to(Path(folder).parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


FILES = source_files()


def is_package(module: str) -> bool:
    """Tell whether the module is a package."""
    return FILES[module].name == "__init__.py"


@cache
def imports(module: str) -> tuple[Import, ...]:
    """List what a module imports: (dotted name, line, whether for types only), in functions too."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    return tuple(_imports_in(tree.body, module, for_types=False))


def _imports_in(nodes: list[ast.stmt], module: str, *, for_types: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, for_types
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                # `from perfkit import pipeline` means the module; `record` is a public name too,
                # and then the root is what is imported.
                public = base == "perfkit" and alias.name in perfkit.__all__
                yield inner if inner in FILES and not public else base, node.lineno, for_types
        else:
            types_only = for_types or (
                isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            )
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner_nodes = getattr(node, field, [])
                yield from _imports_in(inner_nodes, module, for_types=types_only)


def _absolute(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if is_package(module) else module.split(".")[:-1]
    package = package[: len(package) - (node.level - 1)]
    return ".".join([*package, *([node.module] if node.module else [])])


def is_ours(name: str) -> bool:
    """Tell whether a dotted name lies in one of the two packages."""
    return name.split(".")[0] in ("perfkit", "perfkit_panels")


def unit(module: str) -> str:
    """Return the name that LEVELS knows a module by."""
    if module in LEVELS:
        return module
    first, *rest = module.split(".")
    return first if first == "perfkit_panels" or not rest else f"{first}.{rest[0]}"


def arrows(module: str) -> set[str]:
    """Return the modules of ours that importing a module imports."""
    return {
        name
        for name, _, for_types in imports(module)
        if is_ours(name) and name in FILES and name != module and not for_types
    }


@cache
def longest_chain(module: str, above: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the units on the longest chain of imports that starts here; fail on a cycle."""
    if module in above:
        cycle = " -> ".join([*above[above.index(module) :], module])
        pytest.fail(f"modules import each other: {cycle}")
    below = max(
        (longest_chain(name, (*above, module)) for name in sorted(arrows(module))),
        key=len,
        default=(),
    )
    return below if below and below[0] == unit(module) else (unit(module), *below)


@pytest.mark.parametrize("module", FILES)
def test_every_module_has_a_level(module: str) -> None:
    """A new module is placed on the map before it is written."""
    assert unit(module) in LEVELS, f"give {unit(module)} its level in LEVELS and in the design"


@pytest.mark.parametrize("module", FILES)
def test_imports_come_from_lower_levels(module: str) -> None:
    """What needs something from the right gets it as an argument."""
    wrong = [
        f"line {line}: {name}"
        for name, line, _ in imports(module)
        if is_ours(name)
        and unit(name) != unit(module)
        and LEVELS[unit(name)] >= LEVELS[unit(module)]
    ]
    assert wrong == [], f"{module} is on level {LEVELS[unit(module)]}"


@pytest.mark.parametrize("module", [name for name in FILES if name != "perfkit"])
def test_no_cycle_and_no_deep_chain(module: str) -> None:
    """A reader follows at most five imports to the bottom; the root only lists what is below."""
    chain = longest_chain(module)
    assert len(chain) - 1 <= DEPTH_LIMIT, " -> ".join(chain)


@pytest.mark.parametrize("module", [name for name in FILES if name.startswith("perfkit.")])
def test_no_module_imports_the_root(module: str) -> None:
    """The root only gathers public names; importing it from inside would close a loop."""
    assert [line for name, line, _ in imports(module) if name == "perfkit"] == []


@pytest.mark.parametrize("module", [name for name in FILES if name != "perfkit.conf"])
def test_settings_are_read_in_conf_only(module: str) -> None:
    """One module knows Django's settings; the others are handed what they need."""
    wrong = [line for name, line, _ in imports(module) if name.startswith("django.conf")]
    # `django.conf.urls` holds no settings, but nothing here needs it either.
    assert wrong == []


@pytest.mark.parametrize("module", [name for name in FILES if unit(name) == "perfkit.capture"])
def test_capture_stands_alone(module: str) -> None:
    """The hot path imports nothing of perfkit and nothing that would slow a statement."""
    wrong = [
        f"line {line}: {name}"
        for name, line, _ in imports(module)
        if name in TOO_SLOW_FOR_CAPTURE or (is_ours(name) and unit(name) != "perfkit.capture")
    ]
    assert wrong == []


@pytest.mark.parametrize("module", FILES)
def test_module_names_say_something(module: str) -> None:
    """A file is found by its name."""
    assert module.rsplit(".", 1)[-1] not in EMPTY_NAMES
