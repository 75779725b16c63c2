"""Profiles of one request, block or command: how they are made, kept and turned into other formats."""
