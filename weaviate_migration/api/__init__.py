"""The Python API, one file a command: opens what it needs, calls the phases, returns a frozen result."""
