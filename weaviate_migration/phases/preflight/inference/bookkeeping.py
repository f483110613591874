"""Tables that tools keep for themselves, mostly for changes of the schema: they are not the application's data."""

from dataclasses import dataclass

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.inspect import Table


@dataclass(frozen=True)
class Bookkeeping:
    """A table that a schema tool keeps for itself.

    Attributes:
        tool: whose it is.
        table: its name.
        columns: some that it always has: a table of that name may be an application's own.
        what: what it says.
    """

    tool: str
    table: str
    columns: tuple[str, ...]
    what: str = "which changes of the schema were made"

    def is_kept_in(self, table: Table) -> bool:
        """Whether a table is this one."""
        return folded(table.name) == folded(self.table) and all(map(table.column, self.columns))

    @property
    def reason(self) -> str:
        """Why it is left out."""
        return f"{self.tool} keeps it for itself: {self.what}"


_LOCK = "a lock for changes of the schema"
_BOOKKEEPING = (
    Bookkeeping("Alembic", "alembic_version", ("version_num",)),
    Bookkeeping("Django", "django_migrations", ("app", "name", "applied")),
    # Whoever reads a session's key is logged in as its user; and the application forgets sessions by itself.
    Bookkeeping(
        "Django", "django_session", ("session_key", "session_data", "expire_date"), "sessions, with their keys"
    ),
    Bookkeeping("Rails", "ar_internal_metadata", ("key", "value"), "the environment of the schema"),
    Bookkeeping("golang-migrate", "schema_migrations", ("version", "dirty")),
    Bookkeeping("Ecto", "schema_migrations", ("version", "inserted_at")),
    Bookkeeping("Rails or dbmate", "schema_migrations", ("version",)),
    Bookkeeping("Prisma", "_prisma_migrations", ("migration_name", "checksum")),
    Bookkeeping("Flyway", "flyway_schema_history", ("installed_rank", "script")),
    Bookkeeping("Flyway", "schema_version", ("installed_rank", "script")),
    Bookkeeping("Liquibase", "DATABASECHANGELOG", ("ID", "AUTHOR", "FILENAME")),
    Bookkeeping("Liquibase", "DATABASECHANGELOGLOCK", ("ID", "LOCKED"), _LOCK),
    Bookkeeping("EF Core", "__EFMigrationsHistory", ("MigrationId", "ProductVersion")),
    Bookkeeping("EF Core", "__EFMigrationsLock", ("Id", "Timestamp"), _LOCK),
    Bookkeeping("DbUp", "SchemaVersions", ("ScriptName", "Applied")),
    Bookkeeping("FluentMigrator", "VersionInfo", ("Version", "AppliedOn")),
    Bookkeeping("Diesel", "__diesel_schema_migrations", ("version", "run_on")),
    Bookkeeping("SQLx", "_sqlx_migrations", ("version", "checksum")),
    Bookkeeping("SeaORM", "seaql_migrations", ("version", "applied_at")),
    Bookkeeping("Refinery", "refinery_schema_history", ("version", "checksum")),
    Bookkeeping("goose", "goose_db_version", ("version_id", "is_applied")),
    Bookkeeping("sql-migrate", "gorp_migrations", ("id", "applied_at")),
    Bookkeeping("Bun", "bun_migrations", ("group_id", "migrated_at")),
    Bookkeeping("Bun", "bun_migration_locks", ("table_name",), _LOCK),
    Bookkeeping("Atlas", "atlas_schema_revisions", ("version", "hash")),
    Bookkeeping("PocketBase", "_migrations", ("file", "applied")),
    Bookkeeping("Knex", "knex_migrations", ("name", "batch", "migration_time")),
    Bookkeeping("Knex", "knex_migrations_lock", ("is_locked",), _LOCK),
    Bookkeeping("Sequelize", "SequelizeMeta", ("name",)),
    Bookkeeping("Sequelize", "SequelizeData", ("name",)),
    Bookkeeping("TypeORM", "migrations", ("id", "timestamp", "name")),
    Bookkeeping("TypeORM", "typeorm_metadata", ("type", "schema", "table", "value"), "its views and generated columns"),
    Bookkeeping("Drizzle", "__drizzle_migrations", ("hash", "created_at")),
    Bookkeeping("MikroORM", "mikro_orm_migrations", ("name", "executed_at")),
    Bookkeeping("Cloudflare D1", "d1_migrations", ("name", "applied_at")),
    Bookkeeping("Laravel", "migrations", ("migration", "batch")),
    Bookkeeping("Doctrine", "doctrine_migration_versions", ("version", "executed_at")),
    Bookkeeping("Phinx", "phinxlog", ("version", "migration_name")),
    Bookkeeping("Play", "play_evolutions", ("id", "hash", "apply_script")),
    Bookkeeping("yoyo", "_yoyo_migration", ("migration_hash", "applied_at_utc")),
    Bookkeeping("yoyo", "_yoyo_log", ("migration_hash", "operation")),
    Bookkeeping("yoyo", "_yoyo_version", ("version", "installed_at_utc")),
    Bookkeeping("yoyo", "yoyo_lock", ("locked", "pid"), _LOCK),
    Bookkeeping("Aerich", "aerich", ("version", "app", "content")),
    Bookkeeping("peewee-migrate", "migratehistory", ("name", "migrated_at")),
    Bookkeeping("sqlite-migrate", "_sqlite_migrations", ("migration_set", "name")),
    Bookkeeping("GRDB", "grdb_migrations", ("identifier",)),
    Bookkeeping("Core Data", "Z_METADATA", ("Z_VERSION", "Z_UUID", "Z_PLIST"), "the version of the model"),
    Bookkeeping("Core Data", "Z_MODELCACHE", ("Z_CONTENT",), "the model"),
    Bookkeeping("Core Data", "Z_PRIMARYKEY", ("Z_ENT", "Z_MAX"), "the last key of each entity"),
    Bookkeeping("Room", "room_master_table", ("id", "identity_hash"), "the version of the schema"),
    Bookkeeping("Android", "android_metadata", ("locale",), "the language of the file"),
)


def bookkeeping_reason(table: Table) -> str | None:
    """Why a table is left out as a schema tool's own; None where it is none."""
    return next((each.reason for each in _BOOKKEEPING if each.is_kept_in(table)), None)
