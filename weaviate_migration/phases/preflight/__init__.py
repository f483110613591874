"""The preflight: whether a migration could go through, and what it would take, before anything is begun."""

from weaviate_migration.phases.preflight.look import check_quickly, check_thoroughly, refuse_impossible

__all__ = ["check_quickly", "check_thoroughly", "refuse_impossible"]
