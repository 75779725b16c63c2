"""The hot path: what runs inside the request, reading no settings and importing nothing of perfkit."""
