"""The SQLite side: finding, opening and inspecting the source, planning, snapshot, rows."""
