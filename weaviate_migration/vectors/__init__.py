"""Models that make vectors, and what they have made already."""
