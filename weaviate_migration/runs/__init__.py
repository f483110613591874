"""Runs in Dagster's storage."""
