"""A mapping drawn up from what a file holds: what each column is, from its declaration and its values."""
