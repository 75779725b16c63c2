"""Print what a test measured: ``pytest -s`` shows it, and the names of the tests that passed with ``-rP``."""

from __future__ import annotations

import sys


def tell(figure: str) -> None:
    """Print one line: a test's figure, beside the bar that it holds."""
    sys.stdout.write(f"{figure}\n")
