"""What Alembic runs: the steps between two versions, on the connection that it is given, in the transaction there."""

from alembic import context

from weaviate_migration.work_folder.state_schema.opening import VERSION_TABLE
from weaviate_migration.work_folder.state_tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
