"""The report as one HTML file: it needs no network, and nothing in it but its own scripts and styles runs."""

from perfkit.report.html.document import to_html

__all__ = ["to_html"]
