"""What a migration keeps on disk: one file for each format."""
