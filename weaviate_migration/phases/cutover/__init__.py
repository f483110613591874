"""Switches the readers, leads back, and cleans up."""
