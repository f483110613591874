"""`sync --follow` for hours beside four writers and a server that is restarted: measured, judged and drawn."""
