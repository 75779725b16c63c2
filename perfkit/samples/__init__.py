"""Requests worth keeping: the slowest, the errored and those with the worst loops, in detail."""
