"""What django-zeal says while a case runs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

from zeal import zeal_context

from tests.nplusone.accuracy.alerts import Alert, line

_SAID = re.compile(r"N\+1 detected on \w+\.\w+\.(?P<name>\S+) at (?P<file>.+):(?P<line>\d+) in ")


def says(run: Callable[[], Any]) -> list[Alert]:
    """Run the code and return zeal's warnings, each once: it warns anew at every repeat."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with zeal_context():
            run()
    texts = dict.fromkeys(str(each.message) for each in caught)
    return [
        Alert(text, said["name"], line(said["file"], int(said["line"])))
        for text in texts
        if (said := _SAID.match(text))
    ]
