"""The phases of a migration, each a folder: what moves data and proves it, without Dagster."""
