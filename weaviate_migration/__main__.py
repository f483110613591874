"""`python -m weaviate_migration` is the command `weaviate-migration`."""

from weaviate_migration.cli import main

main()
