"""Copies what is there: snapshot, extracts, load, quarantine retry, and what has changed since the snapshot."""
