"""Measures what the README claims of speed and memory: `python -m benchmarks`. Nothing here is asserted by tests."""
