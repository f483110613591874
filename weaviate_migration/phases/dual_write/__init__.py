"""Follows the source while it is in use: capture, sync, the application's own thread, shadow reads."""
