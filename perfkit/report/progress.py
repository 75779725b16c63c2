"""Shows how far a long reading is: in a terminal only, and only when it takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

#: Whoever waits for less has no time to read what for.
_PATIENCE_S: Final = 0.5


@contextmanager
def progress(
    file: Any, what: str, clock: Callable[[], float] = monotonic
) -> Iterator[Callable[[int, int], None] | None]:
    """Give what a reading calls with the rows read and the rows that there are; None for nobody.

    Args:
        file: standard error; nothing is shown unless it is a terminal.
        what: what goes on, such as ``Reading the store``.
        clock: seconds that only grow.
    """
    if not file.isatty():
        yield None
        return
    bar = _Bar(file, what, clock)
    try:
        yield bar.advance
    finally:
        bar.end()


class _Bar:
    """A bar that appears after a while and leaves nothing behind."""

    def __init__(self, file: Any, what: str, clock: Callable[[], float]) -> None:
        self._file = file
        self._what = what
        self._clock = clock
        self._begun = clock()
        self._shown: Any = None
        self._task: Any = None

    def advance(self, done: int, of: int) -> None:
        """Tell how far it is."""
        if self._shown is None:
            if self._clock() - self._begun < _PATIENCE_S:
                return
            self._show(of)
        self._shown.update(self._task, completed=done, total=of)

    def end(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()

    def _show(self, of: int) -> None:
        # Importing it takes longer than reading most stores.
        from rich.console import Console
        from rich.progress import Progress

        self._shown = Progress(console=Console(file=self._file), transient=True)
        self._task = self._shown.add_task(self._what, total=of)
        self._shown.start()
