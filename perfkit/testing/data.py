"""Is a finding about how a test makes its data, and not about the code under test?

A test may fill its tables as slowly as it likes. Fixtures and ``setUp`` are not recorded at all;
this is for rows made in the test itself, by hand or through a factory.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from perfkit.record import Finding, Site

_TEST_FILES = ("conftest.py", "test_*.py", "*_test.py", "tests.py")
_TEST_FOLDERS = frozenset(("test", "tests", "testing"))
#: Modules of factories, by custom; and the packages that they are made with.
_FACTORY_FILES = ("factories.py", "factory.py", "*_factories.py", "*_factory.py")
_FACTORY_FOLDERS = frozenset(("factories", "factory", "model_bakery", "mixer"))


def makes_data(finding: Finding, test_file: str = "") -> bool:
    """Tell whether a finding is about a test's own data.

    Args:
        finding: what the test itself did, not a request of it.
        test_file: where the test is, for one whose name follows no custom.
    """
    lines = [finding.access, *finding.callers, finding.loop]
    if any(site and _is_named(site, _FACTORY_FILES, _FACTORY_FOLDERS) for site in lines):
        return True
    if finding.kind != "write_loop":
        return False
    # What is written in a loop of the code under test counts, though a test has called it.
    site = finding.loop or finding.access
    return site is not None and (
        site.file == test_file or _is_named(site, _TEST_FILES, _TEST_FOLDERS)
    )


def _is_named(site: Site, files: tuple[str, ...], folders: frozenset[str]) -> bool:
    path = PurePosixPath(site.file)
    return any(fnmatchcase(path.name, file) for file in files) or not folders.isdisjoint(
        path.parts[:-1]
    )
