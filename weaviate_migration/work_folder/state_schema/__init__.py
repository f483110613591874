"""The versions of the state's tables: Alembic's files, and what brings an older store to the newest one."""
