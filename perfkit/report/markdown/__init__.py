"""The report as Markdown for a pull request or an issue, as GitHub reads it."""

from perfkit.report.markdown.document import to_markdown

__all__ = ["to_markdown"]
