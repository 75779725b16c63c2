"""Which tools are compared, and how the documentation of each says to set it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool under comparison.

    Attributes:
        name: how tables call it.
        package: its distribution, for the version.
        module: the module here that runs it.
        apps: what it wants in ``INSTALLED_APPS``.
        settings: what else it wants set.
        setup: the same in words.
        silent_on: marks that it never tries for.
    """

    name: str
    package: str
    module: str
    setup: str
    apps: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    silent_on: tuple[str, ...] = ()


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "perfkit",
            "perfkit",
            "perfkit_says",
            "`with perfkit.record()`, default settings but for the times from which a finding is a"
            " warning: it is judged by counts, which a busy machine does not change",
            ("perfkit",),
            {"PERFKIT": {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}},
        ),
        Tool(
            "zeal",
            "django-zeal",
            "zeal_says",
            "`with zeal_context()`, `ZEAL_RAISE = False` so that it tells everything it finds and"
            " not the first thing only",
            ("zeal",),
            {"ZEAL_RAISE": False},
            ("text", "executed"),
        ),
        Tool(
            "query-doctor",
            "django-query-doctor",
            "query_doctor_says",
            "`with diagnose_queries()`, default settings",
            ("query_doctor",),
        ),
        Tool(
            "nplusone",
            "nplusone",
            "nplusone_says",
            "its `Profiler`, made to collect what it would raise",
            ("nplusone.ext.django",),
            silent_on=("lines", "text", "executed"),
        ),
    )
}
