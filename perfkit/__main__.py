"""``python -m perfkit perfreport``, ``perfcache``: for a site without perfkit in INSTALLED_APPS."""

from __future__ import annotations

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandParser, handle_default_options

from perfkit.management.commands import perfcache, perfreport
from perfkit.management.commands.perfreport import REFUSED
from perfkit.report.nagios.answer import UNKNOWN, is_asked, unknown

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_COMMANDS = {module.NAME: module.Command for module in (perfreport, perfcache)}
_USAGE = f"usage: python -m perfkit {'|'.join(_COMMANDS)} [--settings your_site.settings] [options]"


def main(argv: list[str]) -> None:
    """Set Django up and run a command.

    Args:
        argv: the arguments after ``python -m perfkit``.

    Raises:
        SystemExit: always when something is wrong; status 2, and 3 for a monitoring system.
    """
    is_plugin = is_asked(argv)
    if not argv or argv[0] not in _COMMANDS:
        _refuse(_USAGE, is_plugin)
    name = argv[0]
    command = _COMMANDS[name]()
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    vars(parser)["error"] = lambda message: _refuse(f"{name}: {message}", is_plugin)
    handle_default_options(parser.parse_known_args(argv[1:])[0])
    # Help needs no site.
    if not {"-h", "--help"} & set(argv):
        _set_up(name, is_plugin)
    command.run_from_argv(["python -m perfkit", *argv])


def _set_up(name: str, is_plugin: bool) -> None:
    if not os.environ.get(_VARIABLE):
        line = f"{name}: no settings: set {_VARIABLE}, or give --settings your_site.settings"
        _refuse(line, is_plugin)
    try:
        django.setup()
    except (ImportError, ImproperlyConfigured) as error:
        reason = " ".join(str(error).split())
        named = os.environ[_VARIABLE]
        _refuse(f"{name}: the settings {named!r} cannot be used: {reason}", is_plugin)


def _refuse(line: str, is_plugin: bool) -> None:
    if is_plugin:
        sys.stdout.write(f"{unknown(line).text}\n")
        raise SystemExit(UNKNOWN)
    sys.stderr.write(f"{line}\n")
    raise SystemExit(REFUSED)


if __name__ == "__main__":
    main(sys.argv[1:])
