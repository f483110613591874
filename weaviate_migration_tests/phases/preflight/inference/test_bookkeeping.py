import pytest

from weaviate_migration.phases.preflight.inference.bookkeeping import bookkeeping_reason
from weaviate_migration.source.inspect import Column, Table


def table(name: str, *columns: str) -> Table:
    return Table(name, tuple(Column(each, "", generated=False) for each in columns), (), "rowid", is_view=False)


@pytest.mark.parametrize(
    ("found", "tool"),
    [
        (table("alembic_version", "version_num"), "Alembic"),
        (table("django_migrations", "id", "app", "name", "applied"), "Django"),
        (table("django_session", "session_key", "session_data", "expire_date"), "Django"),
        (table("schema_migrations", "version"), "Rails or dbmate"),
        (table("schema_migrations", "version", "dirty"), "golang-migrate"),
        (table("schema_migrations", "version", "inserted_at"), "Ecto"),
        (table("ar_internal_metadata", "key", "value", "created_at", "updated_at"), "Rails"),
        (table("_prisma_migrations", "id", "checksum", "finished_at", "migration_name"), "Prisma"),
        (table("flyway_schema_history", "installed_rank", "version", "description", "script"), "Flyway"),
        (table("databasechangelog", "id", "author", "filename", "md5sum"), "Liquibase"),
        (table("__EFMigrationsHistory", "MigrationId", "ProductVersion"), "EF Core"),
        (table("__diesel_schema_migrations", "version", "run_on"), "Diesel"),
        (table("knex_migrations_lock", "index", "is_locked"), "Knex"),
        (table("SequelizeMeta", "name"), "Sequelize"),
        (table("_sqlx_migrations", "version", "description", "checksum"), "SQLx"),
        (table("goose_db_version", "id", "version_id", "is_applied", "tstamp"), "goose"),
        (table("migrations", "id", "migration", "batch"), "Laravel"),
        (table("migrations", "id", "timestamp", "name"), "TypeORM"),
    ],
)
def test_a_table_that_a_schema_tool_keeps(found: Table, tool: str) -> None:
    reason = bookkeeping_reason(found)
    assert reason is not None
    assert reason.startswith(f"{tool} keeps it for itself: ")


@pytest.mark.parametrize(
    "found",
    [
        table("migrations", "id", "species", "from_place", "to_place"),
        table("schema_version", "version"),
        table("aerich", "id", "name"),
        table("alembic_version_notes", "version_num"),
        table("notes", "version_num"),
    ],
)
def test_a_table_of_the_application_that_is_called_alike(found: Table) -> None:
    assert bookkeeping_reason(found) is None
