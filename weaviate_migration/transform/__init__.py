"""Pure functions: values, object ids, row to object. No database, no server, no Dagster."""
