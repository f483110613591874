"""What the command line draws: tables, progress, status."""
