"""The store: what the workers saw, on disk, bounded, read by reports."""
