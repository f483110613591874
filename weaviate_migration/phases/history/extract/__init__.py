"""Partitioned extracts: the rows of one table as Parquet, sorted by the UUIDs of their objects."""
