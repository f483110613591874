"""What finds in Weaviate what a full-text index of SQLite finds, and what cannot be had there.

Measured with server 1.39.0 and SQLite 3.40.1 (350 queries on 20,000 texts, words joined by AND): `docs/search.md`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.text_index import Stopwords
from weaviate_migration.source.full_text import FullTextIndex, TextTokenizer

# Tokenizers that part a text at what is neither letter nor digit, or nearly so.
_OF_WORDS = ("unicode61", "ascii", "simple")
# Of tokenizers for languages that have no blanks between words: what Weaviate has for the same, and what a server's
# environment has to say for it.
_GSE_CH = ("gse_ch", "ENABLE_TOKENIZER_GSE_CH")
_KAGOME_JA = ("kagome_ja", "ENABLE_TOKENIZER_KAGOME_JA")
_KAGOME_KR = ("kagome_kr", "ENABLE_TOKENIZER_KAGOME_KR")
_WITHOUT_BLANKS = {
    "jieba": _GSE_CH,
    "simple_jieba": _GSE_CH,
    "zh": _GSE_CH,
    "mecab": _KAGOME_JA,
    "ja": _KAGOME_JA,
    "ko": _KAGOME_KR,
}


def text_index_fields(tokenizer: TextTokenizer) -> dict[str, Any]:
    """The fields of a text property that is found as with this tokenizer, in a collection with `stopwords: none`."""
    fields: dict[str, Any] = {"index": "words"}
    if tokenizer.name == "trigram":
        fields["tokenization"] = "trigram"
    return fields | ({"ascii_fold": True} if tokenizer.takes_accents else {})


def not_to_be_had(tokenizer: TextTokenizer) -> Iterator[str]:
    """What a search finds with this tokenizer and Weaviate does not find, or finds besides: a few words for each."""
    if tokenizer.stems:
        yield "Weaviate has no stems: a word is found as it is written, `run` not by `running`"
    if tokenizer.is_case_sensitive:
        yield "Weaviate's searches pass over case"
    if tokenizer.name == "trigram":
        yield "ask for several words one by one: Weaviate takes a query as one string"
    elif tokenizer.name not in _OF_WORDS:
        yield f"Weaviate has no tokenizer `{tokenizer.name}`: its words may be others{_better(tokenizer)}"


def _better(tokenizer: TextTokenizer) -> str:
    """Of texts without blanks what parts them, where the server has it."""
    languages = [argument.partition("_")[0].lower() for argument in tokenizer.arguments]
    found = next((_WITHOUT_BLANKS[each] for each in (tokenizer.name, *languages) if each in _WITHOUT_BLANKS), None)
    if found is None:
        return ""
    tokenization, variable = found
    return f"; `tokenization: {tokenization}` parts such texts, on a server with {variable}=true"


def search_gaps(
    index: FullTextIndex, column: str, stopwords: Stopwords, properties: Sequence[PropertyMapping]
) -> Iterator[str]:
    """What of the searches of a column by its full-text index Weaviate would not find, and what to write for it.

    Args:
        stopwords: of the collection.
        properties: those that are made from the column, of any type.
    """
    wanted = text_index_fields(index.tokenizer)
    texts = [prop for prop in properties if prop.type in ("text", "text[]") and prop.json_key is None]
    searched = [prop for prop in texts if prop.index == "words"]
    if not texts:
        yield f"{column} is no text property: no search of words finds it"
        return
    if not searched:
        yield f"{texts[0].name} is not searched: write `index: words` in its place"
        return
    same = [prop for prop in searched if (prop.tokenization or "word") == wanted.get("tokenization", "word")]
    if not same:
        tokenization = wanted.get("tokenization", "word")
        yield (
            f"{searched[0].name} is tokenized otherwise: write `tokenization: {tokenization}`, or add a property of "
            "the same column that has it"
        )
        return
    for prop in same:
        if (prop.stopwords or stopwords or "en") != "none":
            yield f"{prop.name} has stop words, which no search finds: write `stopwords: none`"
        if wanted.get("ascii_fold") and not prop.ascii_fold:
            yield f"{prop.name} is found only with its accents: write `ascii_fold: true`"
