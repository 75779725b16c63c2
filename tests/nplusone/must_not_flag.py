"""Everything that must stay silent: the corpus' N rows, from the files that hold them.

A case with ``severity="info"`` may yield infos; kinds in ``also`` are right beside the silence.
"""

from __future__ import annotations

from tests.nplusone import (
    must_not_flag_batches,
    must_not_flag_framework,
    must_not_flag_loaded,
    must_not_flag_single_rows,
)
from tests.nplusone.case import Case

CASES: tuple[Case, ...] = (
    *must_not_flag_single_rows.CASES,
    *must_not_flag_loaded.CASES,
    *must_not_flag_batches.CASES,
    *must_not_flag_framework.CASES,
)
