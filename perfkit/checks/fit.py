"""Checks of what perfkit touches in Django: each hook must fit the running release."""

from __future__ import annotations

from typing import Any

import asgiref
import django
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

from perfkit.capture.fit import HOOKS, misfits


def check_fit(**kwargs: Any) -> list[CheckMessage]:
    """Check that each hook fits the running Django and asgiref."""
    found = misfits()
    return [
        CheckWarning(
            f"The {hook.name} does not fit Django {django.__version__} with asgiref "
            f"{asgiref.__version__}: {found[hook.name]}.",
            hint=f"It is off and the others work. Without it {hook.lost}. A newer perfkit may fit.",
            id="perfkit.W005",
        )
        for hook in HOOKS
        if hook.name in found
    ]
