"""Everything that must be flagged: rows S of the catalogue, and R and P for what real sites do."""

from __future__ import annotations

from tests.nplusone import (
    must_flag_admin,
    must_flag_aggregates,
    must_flag_async,
    must_flag_chains,
    must_flag_fields,
    must_flag_joins,
    must_flag_lookups,
    must_flag_many,
    must_flag_modes,
    must_flag_paths,
    must_flag_prefetch,
    must_flag_readers,
    must_flag_refined,
    must_flag_rows,
    must_flag_serializers,
    must_flag_services,
    must_flag_statements,
    must_flag_templates,
    must_flag_trees,
    must_flag_writes,
)
from tests.nplusone.case import Case

CASES: tuple[Case, ...] = (
    *must_flag_joins.CASES,
    *must_flag_many.CASES,
    *must_flag_chains.CASES,
    *must_flag_paths.CASES,
    *must_flag_trees.CASES,
    *must_flag_fields.CASES,
    *must_flag_lookups.CASES,
    *must_flag_aggregates.CASES,
    *must_flag_refined.CASES,
    *must_flag_statements.CASES,
    *must_flag_prefetch.CASES,
    *must_flag_templates.CASES,
    *must_flag_serializers.CASES,
    *must_flag_admin.CASES,
    *must_flag_writes.CASES,
    *must_flag_modes.CASES,
    *must_flag_async.CASES,
    *must_flag_rows.CASES,
    *must_flag_readers.CASES,
    *must_flag_services.CASES,
)
