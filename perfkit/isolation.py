"""Keeps our own failures from the site: logged once for each part they come from, and counted."""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger("perfkit")

#: Our own failures since the process began, by the part that failed.
failures: Counter[str] = Counter()


class isolated:  # noqa: N801  # reads as a word: with isolated("store sink")
    """Keep a failure of one part of ours away from everything else; log its first occurrence."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *rest: object
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        report_failure(self._part, error)
        return True


def report_failure(part: str, error: Exception) -> None:
    """Count a failure of ours and log it, once for each part."""
    failures[part] += 1
    if failures[part] == 1:
        logger.error(
            "perfkit: %s failed; the site goes on, further failures are counted",
            part,
            exc_info=error,
        )
