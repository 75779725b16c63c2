"""The cache advisor: what is noted of each answer, replayed as if it had been cached."""
