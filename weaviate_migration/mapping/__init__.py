"""What becomes what: models, the reader of mapping files, and the mapping that ships with the package."""

from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.property_mapping import PropertyMapping, RelationMapping, TenantMapping, VectorMapping
from weaviate_migration.mapping.reader import read_mapping

__all__ = [
    "CollectionMapping",
    "Mapping",
    "PropertyMapping",
    "RelationMapping",
    "TenantMapping",
    "VectorMapping",
    "read_mapping",
]
