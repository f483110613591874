"""Opens the model that a mapping names. What computes it is imported only then: it takes time, and may not be there."""

from collections.abc import Callable
from pathlib import Path

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.repeats import RepeatLimits, Repeats
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.provider import EmbeddingProvider

DEFAULT_REPEATS = Repeats(max_retries=3, retry_delay=1.0)
"""As the settings have them by default."""
_ONNX_FILES = (Path("model.onnx"), Path("onnx", "model.onnx"))
_STATIC_FILES = (Path("model.safetensors"), Path("0_StaticEmbedding", "model.safetensors"))


def open_provider(
    model: ModelMapping, max_tokens: int | None = None, limits: RepeatLimits = DEFAULT_REPEATS
) -> EmbeddingProvider:
    """The provider of a model; its `close` gives back what it holds.

    Args:
        max_tokens: where texts are cut; None: where the model ends.
        limits: how often a service is asked again where it failed for a reason that may pass.

    Raises:
        ConfigurationError: it is not there, not installed, or cannot be used as the mapping says.
    """
    try:
        return _OPENERS[model.kind](model, max_tokens, limits)
    except ModuleNotFoundError as error:
        extra = "sentence-transformers" if model.sentence_transformers else "vectors"
        raise ConfigurationError(
            f"a model of the mapping needs {error.name}, which is not installed",
            f"Install it with the extra `{extra}`: pip install 'weaviate-migration[{extra}]'.",
        ) from error


def _folder(model: ModelMapping, max_tokens: int | None, _: RepeatLimits) -> EmbeddingProvider:
    """A folder's files say what it holds."""
    folder = Path(str(model.folder))
    if (file := next((folder / each for each in _ONNX_FILES if (folder / each).exists()), None)) is not None:
        from weaviate_migration.vectors.onnx_folder import OnnxFolder

        return OnnxFolder(folder, file, max_tokens)
    if any((folder / each).exists() for each in _STATIC_FILES):
        from weaviate_migration.vectors.model2vec_folder import Model2VecFolder

        return Model2VecFolder(folder, max_tokens)
    missing = "has neither model.onnx nor model.safetensors" if folder.is_dir() else "is no folder that can be read"
    raise ConfigurationError(
        f"{folder}, from which a model of the mapping is to be loaded, {missing}",
        "Correct `folder` in the mapping: it is looked for beside the mapping file.",
    )


def _sentence_transformers(model: ModelMapping, max_tokens: int | None, _: RepeatLimits) -> EmbeddingProvider:
    from weaviate_migration.vectors.sentence_transformers import SentenceTransformersModel

    return SentenceTransformersModel(str(model.sentence_transformers), max_tokens)


def _service(model: ModelMapping, max_tokens: int | None, limits: RepeatLimits) -> EmbeddingProvider:
    from weaviate_migration.vectors.openai_service import OpenAIService

    if model.tokenizer is None:
        if max_tokens is not None:
            raise ConfigurationError(
                f"nobody here knows the tokens of the model {model.model}, at which `max_tokens` would cut",
                "Name its file tokenizer.json with `tokenizer`, or leave out `max_tokens`.",
            )
        return OpenAIService(model, limits)
    from weaviate_migration.vectors.text_tokens import TextTokens

    return OpenAIService(model, limits, TextTokens(Path(model.tokenizer), max_tokens))


def _entry_point(model: ModelMapping, max_tokens: int | None, _: RepeatLimits) -> EmbeddingProvider:
    from weaviate_migration.vectors.entry_points import EntryPointModel

    return EntryPointModel(str(model.entry_point), max_tokens)


_OPENERS: dict[str, Callable[[ModelMapping, int | None, RepeatLimits], EmbeddingProvider]] = {
    "folder": _folder,
    "sentence_transformers": _sentence_transformers,
    "service": _service,
    "entry_point": _entry_point,
}
