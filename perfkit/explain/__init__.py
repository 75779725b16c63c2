"""Asks the database how it runs the slowest statements, and says what to change; opt-in."""
