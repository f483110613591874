"""Measures what the docs claim of speed and memory: `python -m benchmarks`. Nothing here is asserted by tests."""
