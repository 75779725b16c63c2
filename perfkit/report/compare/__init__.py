"""What changed between two windows of time, by how much, and how sure that is."""
