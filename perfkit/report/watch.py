"""Shows a report again and again: in place in a terminal, one after the other in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text


def watch(
    report: Callable[[], str], file: Any, wait: Callable[[], None], *, color: bool | None = None
) -> None:
    """Show reports until Ctrl-C; in a terminal the last one stays.

    Args:
        report: makes the next one, as text for this output.
        file: where they go.
        wait: returns when the next one is due.
        color: True or False to overrule what the output decides.

    Raises:
        OSError: the output does not take more.
    """
    try:
        if file.isatty():
            _in_place(report, file, wait, color=color)
        else:
            _one_after_the_other(report, file, wait)
    except KeyboardInterrupt:
        return


def _in_place(
    report: Callable[[], str], file: Any, wait: Callable[[], None], *, color: bool | None
) -> None:
    console = Console(
        file=file,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        no_color=color is False,
    )
    text = ""
    try:
        # A screen of its own is written over, never cleared, and cuts what does not fit.
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                text = report()
                live.update(Text.from_ansi(text), refresh=True)
                wait()
    finally:
        file.write(text)
        file.flush()


def _one_after_the_other(report: Callable[[], str], file: Any, wait: Callable[[], None]) -> None:
    while True:
        file.write(f"{report()}\n")
        file.flush()
        wait()
