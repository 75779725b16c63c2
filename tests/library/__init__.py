"""A small library: the models that the tests of capture and of the analyzers read."""
