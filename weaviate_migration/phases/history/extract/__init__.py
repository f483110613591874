"""Partitioned extracts: the rows of one table as Parquet, sorted by the addresses of their objects."""
