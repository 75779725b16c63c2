"""A capture in the formats of other tools: each holds what the engine saw, and nothing made up."""

from perfkit.profiling.export.exported import (
    FORMATS,
    Exported,
    ExportRefusedError,
    exported,
    formats_of,
)

__all__ = ["FORMATS", "ExportRefusedError", "Exported", "exported", "formats_of"]
