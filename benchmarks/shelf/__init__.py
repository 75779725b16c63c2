"""The benchmark's own Django app: books, their authors, and pages that read them."""
