"""Sums over requests: route names, latency histograms, windows, and the statsd sink."""
