"""The corpus of the N+1 engine: code that must be flagged, code that must not, and its fixes."""
