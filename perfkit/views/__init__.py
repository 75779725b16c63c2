"""The pages on captures and kept requests, for staff who may; to all others they do not exist."""
