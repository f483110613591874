"""What else a mapping may say of a collection and of its texts, as Weaviate takes it and as it tells it again."""

from collections.abc import Iterator, Sequence

from weaviate.classes.config import Configure, StopwordsPreset
from weaviate.collections.classes.config import (
    CollectionConfig,
    InvertedIndexConfigCreate,
    MultiTenancyConfigCreate,
    TextAnalyzerConfig,
    TextAnalyzerConfigCreate,
)

from weaviate_migration.mapping import CollectionMapping, PropertyMapping

# By what else of an object queries can filter: the fields of a mapping, and of a collection's configuration.
_INDEXED = ("index_timestamps", "index_null_state", "index_property_length")
# What the server, or the version that made a collection, chose where a mapping does not say it.
LEFT_TO_THE_SERVER = ("replication", "shards", "stopwords", "index_timestamps")


def inverted_index(mapping: CollectionMapping) -> InvertedIndexConfigCreate:
    """The collection's inverted index. Timestamps are indexed unless the mapping says no: it costs nothing measurable,
    and what was changed since is found by them.
    """
    own_lists = {
        _own_list(prop): list(prop.stopwords) for prop in mapping.properties if isinstance(prop.stopwords, tuple)
    }
    listed = _listed(mapping.stopwords) if mapping.stopwords else []
    return Configure.inverted_index(
        index_timestamps=mapping.index_timestamps is not False,
        index_null_state=mapping.index_null_state,
        index_property_length=mapping.index_property_length,
        stopwords_preset=StopwordsPreset(listed[0]) if listed else None,
        stopwords_additions=listed[1:] or None,
        stopword_presets=own_lists or None,
    )


def multi_tenancy(mapping: CollectionMapping) -> MultiTenancyConfigCreate | None:
    """Tenants are made as they are written to, and one that was put to rest wakes when it is read; None without any."""
    if mapping.tenant is None:
        return None
    return Configure.multi_tenancy(enabled=True, auto_tenant_creation=True, auto_tenant_activation=True)


def text_analyzer(prop: PropertyMapping) -> TextAnalyzerConfigCreate | None:
    """What the mapping says of how the property's text is read; None where it says nothing."""
    if not (prop.ascii_fold or prop.stopwords):
        return None
    return Configure.text_analyzer(
        ascii_fold=prop.ascii_fold or None,
        ascii_fold_ignore=list(prop.ascii_fold_ignore) or None,
        stopword_preset=prop.stopwords if isinstance(prop.stopwords, str | None) else _own_list(prop),
    )


def _own_list(prop: PropertyMapping) -> str:
    """The name of a property's own list of stop words: not `en` or `none`, which would change those."""
    return f"{prop.name}_stopwords"


def options_as_made(mapping: CollectionMapping) -> Iterator[tuple[str, str]]:
    """What the mapping says of the collection, and of its properties' stop words: each with its name, in words."""
    for name in ("replication", "shards"):
        if (number := getattr(mapping, name)) is not None:
            yield name, str(number)
    yield "multi-tenancy", _on_or_off(mapping.tenant is not None)
    for name in _INDEXED:
        if (indexed := getattr(mapping, name)) is not None:
            yield name, str(indexed).lower()
    if mapping.stopwords:
        yield "stopwords", _spoken(_listed(mapping.stopwords))
    for prop in mapping.properties:
        if prop.stopwords:
            yield f"stopwords of {prop.name}", _spoken(_listed(prop.stopwords))


def options_as_found(config: CollectionConfig) -> Iterator[tuple[str, str]]:
    """The same of a collection on the server, `LEFT_TO_THE_SERVER` too."""
    index = config.inverted_index_config
    yield "replication", str(config.replication_config.factor)
    if config.sharding_config is not None:
        yield "shards", str(config.sharding_config.desired_count)
    yield "multi-tenancy", _on_or_off(config.multi_tenancy_config.enabled)
    for name in _INDEXED:
        yield name, str(getattr(index, name)).lower()
    own = index.stopwords.additions or [], index.stopwords.removals or []
    yield "stopwords", _spoken([index.stopwords.preset.value, *own[0], *(f"not {word}" for word in own[1])])
    for prop in config.properties:
        if prop.text_analyzer and (preset := prop.text_analyzer.stopword_preset):
            words = (index.stopword_presets or {}).get(preset)
            yield f"stopwords of {prop.name}", _spoken([preset] if words is None else ["none", *words])


def _on_or_off(enabled: bool) -> str:
    return "on" if enabled else "off"


def _listed(stopwords: str | tuple[str, ...]) -> list[str]:
    """A list of Weaviate's, by its name, and one's own words beside it."""
    return [stopwords] if isinstance(stopwords, str) else ["none", *stopwords]


def _spoken(listed: Sequence[str]) -> str:
    preset, own = listed[0], sorted(listed[1:])
    return ", ".join(own if own and preset == "none" else [preset, *own])


def folding_as_made(analyzer: TextAnalyzerConfigCreate | None) -> list[str]:
    """What a property that is to be made says of accents; empty where they count."""
    return _folding(analyzer.asciiFold, analyzer.asciiFoldIgnore) if analyzer else []


def folding_as_found(analyzer: TextAnalyzerConfig | None) -> list[str]:
    """What a property of the server says of accents, in the same words."""
    return _folding(analyzer.ascii_fold, analyzer.ascii_fold_ignore) if analyzer else []


def _folding(folded: bool | None, kept: Sequence[str] | None) -> list[str]:
    if not folded:
        return []
    return [f"folded to ASCII but for {' '.join(sorted(kept))}" if kept else "folded to ASCII"]
