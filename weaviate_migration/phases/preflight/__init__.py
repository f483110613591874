"""The preflight: whether a migration could go through, and what it would take, before anything is begun."""

from weaviate_migration.phases.preflight.look import check_preflight, check_quickly, refuse_impossible

__all__ = ["check_preflight", "check_quickly", "refuse_impossible"]
