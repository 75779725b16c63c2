"""What the plugin is asked for: on the command line, else in pytest's ini file."""

from __future__ import annotations

from dataclasses import dataclass
from os.path import expandvars
from pathlib import Path
from typing import Any

import pytest

OFF, REPORT, FAIL = MODES = ("off", "report", "fail")

#: What writes a file, or reads one: by name, with its line of help.
FILES = {
    "json": "write the findings to this file, as JSON",
    "sarif": "write the findings to this file, as SARIF 2.1.0 for code-review tools",
    "baseline": "known findings, which make no test fail; see --perfkit-write-baseline",
    "write-baseline": "write the warnings that no marker allows to this file, as the known ones",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The options, with their files found.

    Attributes:
        mode: ``off``, ``report`` or ``fail``.
        files: a key of ``FILES`` -> the file; only those that are asked for.
    """

    mode: str
    files: dict[str, Path]

    @property
    def on(self) -> bool:
        """Whether every test is recorded."""
        return self.mode != OFF


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and the ini keys."""
    group = parser.getgroup("perfkit", "perfkit: what the tests' code does to the database")
    told = "record the tests: report what is found, or fail the tests with warnings (default: off)"
    group.addoption("--perfkit", choices=MODES, default=None, help=told)
    parser.addini("perfkit", f"{told}; off, report or fail", default="")
    for name, told in FILES.items():
        group.addoption(f"--perfkit-{name}", metavar="FILE", default=None, help=told)
        parser.addini(f"perfkit_{name.replace('-', '_')}", told, default="")


def choice(config: pytest.Config) -> Choice:
    """Read the options; one that names a file turns the recording on.

    Raises:
        pytest.UsageError: the mode in the ini file is none.
    """
    files = {name: file for name in FILES if (file := _file(config, name))}
    mode = config.getoption("--perfkit") or config.getini("perfkit")
    if mode and mode not in MODES:
        raise pytest.UsageError(f"perfkit = {mode!r} is not one of {', '.join(MODES)}")
    return Choice(str(mode) or (REPORT if files else OFF), files)


def _file(config: pytest.Config, name: str) -> Path | None:
    given: Any = config.getoption(f"--perfkit-{name}")
    # As pytest's own: from the command line below the working folder, else below the ini file's.
    folder = config.invocation_params.dir if given else config.rootpath
    given = given or config.getini(f"perfkit_{name.replace('-', '_')}")
    return folder / Path(expandvars(given)).expanduser() if given else None
