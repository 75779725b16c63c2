"""Reports: what the store holds of a time window, as text and as JSON."""
