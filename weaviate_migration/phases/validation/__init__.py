"""Compares both sides: how many rows and objects, and what they say."""
