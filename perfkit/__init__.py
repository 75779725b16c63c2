"""perfkit: what is slow in a Django site, why, which line to change, and what it saves."""

# The name ``record`` is the function; ``perfkit.record`` as a module is reached by ``from``.
from perfkit.profiled import profile
from perfkit.recording import record

__all__ = ["__version__", "profile", "record"]

__version__ = "0.1.0"
