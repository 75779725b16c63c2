"""The exceptions perfkit raises on purpose."""

from __future__ import annotations


class PerfkitError(Exception):
    """Base of every exception that perfkit raises on purpose."""


class StoreError(PerfkitError):
    """The store cannot be read or written; the message says which file and what to do."""


class StoreMissing(StoreError):
    """There is no store yet, or an empty one: nothing has been recorded."""


class StoreTooNew(StoreError):
    """The store was written by a newer perfkit and is left alone."""


class CaptureRefused(PerfkitError):
    """A capture cannot be made now; the message is the reason, in one line."""
