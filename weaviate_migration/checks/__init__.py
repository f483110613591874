"""Asset checks: they call verify/ and store what it found."""

from weaviate_migration.checks.collections import build_collection_checks

__all__ = ["build_collection_checks"]
