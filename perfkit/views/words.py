"""The words that the scripts of a capture's page say, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from perfkit.profiling.capture import FRAMEWORK, PACKAGE, SITE
from perfkit.views.names import OWNERS


def words() -> dict[str, str]:
    """Return them by the names that the scripts know; ``{…}`` is filled in there."""
    return {
        SITE: str(OWNERS[SITE]),
        PACKAGE: str(OWNERS[PACKAGE]),
        FRAMEWORK: str(OWNERS[FRAMEWORK]),
        "template": _("template"),
        "everything": _("Everything"),
        "db": _("statement"),
        "cache": _("cache call"),
        "samples": _("{count} samples"),
        "sample": _("1 sample"),
        "ofAll": _("{share} of all"),
        "own": _("{time} in itself"),
        "matches": _("{count} of {all} places match, {time} in them"),
        "noMatch": _("nothing matches"),
        "shown": _("Shown: {name}, {time}, {share} of all"),
        "zoomed": _("Zoomed to {name}"),
        "whole": _("All is shown"),
        "cut": _("{count} stacks are cut off: so many frames cannot be shown at once"),
        "more": _("{count} more below {name}"),
        "line": _("Line"),
        "time": _("Time"),
        "code": _("Code"),
        "noSource": _("Its lines were not recorded."),
        "noCode": _("This is no code: the request waited, or ran outside of every recorded line."),
        "from": _("From"),
        "calledBy": _("Called by"),
        "calls": _("Calls"),
        "called": _("Called from"),
        "nobody": _("Nothing that is shown."),
        "sorted": _("Sorted by {name}"),
        "hidden": _("{count} functions of packages and of the framework are hidden"),
        "nothing": _("Nothing was sampled."),
        "nothingMine": _(
            "No sample has a line of yours: switch “My code only” off to see them all."
        ),
    }
