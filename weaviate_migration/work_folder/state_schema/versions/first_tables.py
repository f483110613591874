"""The first tables."""

import sqlalchemy as sa
from alembic import op

from weaviate_migration.work_folder.state_tables import NAME, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Of a store that has none."""
    op.create_table(
        "documents",
        sa.Column("kind", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("part", NAME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "owner", "part", name="pk_documents"),
    )
    op.create_table(
        "moments",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("migration", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_moments"),
    )
    op.create_index("ix_moments_migration_number", "moments", ["migration", "number"])
    op.create_table(
        "quarantined_rows",
        sa.Column("collection", NAME, nullable=False),
        sa.Column("partition", NAME, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=True),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("category", NAME, nullable=False),
        sa.PrimaryKeyConstraint("collection", "partition", "number", name="pk_quarantined_rows"),
    )
    op.create_table(
        "pending_vectors",
        sa.Column("collection", NAME, nullable=False),
        sa.Column("address", NAME, nullable=False),
        sa.Column("vector", NAME, nullable=False),
        sa.PrimaryKeyConstraint("collection", "address", "vector", name="pk_pending_vectors"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lock_holders",
        sa.Column("lock", NAME, nullable=False),
        sa.Column("token", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("machine", NAME, nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("lock", name="pk_lock_holders"),
    )
