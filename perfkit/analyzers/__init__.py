"""Analyzers: each answers one question about a record. Registered by dotted path, ours as yours."""
