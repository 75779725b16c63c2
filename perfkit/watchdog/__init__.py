"""Looks into requests that run for too long, while they run."""
