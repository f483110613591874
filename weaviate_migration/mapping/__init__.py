"""What becomes what: models, the reader of mapping files, and the mapping that ships with the package."""

from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.property_mapping import PropertyMapping, RelationMapping, TenantMapping
from weaviate_migration.mapping.reader import read_mapping
from weaviate_migration.mapping.vector_mapping import VectorMapping

__all__ = [
    "CollectionMapping",
    "Mapping",
    "ModelMapping",
    "PropertyMapping",
    "RelationMapping",
    "TenantMapping",
    "VectorMapping",
    "read_mapping",
]
