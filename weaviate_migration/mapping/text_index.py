"""How Weaviate indexes a text for search: what its words are, which it passes over, and whether accents count."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints

from weaviate_migration.mapping.validated_model import Items, Mistake

# As Weaviate calls them; `field`, the text as one word, is `index: whole`. The last four the server has only where its
# environment says so (`ENABLE_TOKENIZER_GSE`, `…_GSE_CH`, `…_KAGOME_JA`, `…_KAGOME_KR`).
Tokenization = Literal["word", "lowercase", "whitespace", "trigram", "gse", "gse_ch", "kagome_ja", "kagome_kr"]
TOKENIZATIONS_ON_DEMAND: tuple[Tokenization, ...] = ("gse", "gse_ch", "kagome_ja", "kagome_kr")
Letter = Annotated[str, StringConstraints(min_length=1, max_length=1)]

_WORD = re.compile(r"[^\W_]+").fullmatch


def _stopwords(given: object) -> object:
    """Validates the name of a list of Weaviate's, or a list of words as its tokenization `word` makes them."""
    if given is None or given in ("en", "none"):
        return given
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("must be `en`, `none`, or a list of words")
    for word in given:
        if not isinstance(word, str) or not _WORD(word) or word != word.lower():
            raise ValueError(f"`{word}` is no word as Weaviate makes them: small letters and digits, nothing else")
    return tuple(given)


# Weaviate's own list of English ones, none, or one's own.
Stopwords = Annotated[Literal["en", "none"] | Items[str] | None, BeforeValidator(_stopwords)]


def text_index_mistakes(given: dict[str, Any]) -> Iterator[Mistake]:
    """What is wrong between the fields of a property that say how its text is indexed; they are not validated yet."""
    index = given.get("index")
    if given.get("tokenization") is not None and index != "words":
        yield ("tokenization",), "only texts with `index: words` have one"
    if given.get("containment") is not None and index != "words":
        yield ("containment",), "only texts with `index: words` have one"
    if given.get("stopwords") is not None and (index != "words" or given.get("tokenization") not in (None, "word")):
        yield ("stopwords",), "only texts with `index: words` and the tokenization `word` have them"
    if given.get("ascii_fold") is True and index not in ("whole", "words"):
        yield ("ascii_fold",), "only texts that are indexed have it: `whole` or `words`"
    if given.get("ascii_fold_ignore") and given.get("ascii_fold") is not True:
        yield ("ascii_fold_ignore",), "needs `ascii_fold: true`"
    if given.get("ascii_fold") is True:
        yield from _never_met(given.get("stopwords"), given.get("ascii_fold_ignore"))


def _never_met(stopwords: object, kept: object) -> Iterator[Mistake]:
    """Stop words that no text has any more once it is folded: Weaviate folds texts, and not its lists of words."""
    letters = set(kept) if isinstance(kept, list | tuple) else set()
    for at, word in enumerate(stopwords if isinstance(stopwords, list | tuple) else ()):
        if isinstance(word, str) and any(_is_folded(letter) for letter in word if letter not in letters):
            yield (
                ("stopwords", at),
                f"`{word}` is in no text any more: `ascii_fold` takes the accents; write it without",
            )


def _is_folded(letter: str) -> bool:
    return not letter.isascii() and unicodedata.name(letter, "").startswith("LATIN")
