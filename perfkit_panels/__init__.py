"""Panels for django-debug-toolbar: list ``"perfkit_panels.PerfkitPanel"``."""

from perfkit_panels.panel import PerfkitPanel

__all__ = ["PerfkitPanel"]
