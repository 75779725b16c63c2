"""Filters of the corpus' templates."""
