"""How a column spells what its property says: booleans, decimal numbers and dates in other dialects."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationError

from weaviate_migration.base.texts import suggestion
from weaviate_migration.mapping.date_patterns import pattern_mistake
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel

DateFormat = Literal["text", "epoch_seconds", "epoch_milliseconds", "epoch_microseconds", "epoch_nanoseconds", "apple"]


def _spelling(given: object) -> object:
    """A text or an integer; raises ValueError for what YAML reads as something else."""
    if type(given) not in (str, int):
        raise ValueError(f"must be a text or an integer, not {given}; put it in quotes if it is meant as text")
    return given


class BooleanValues(ValidatedModel):
    """What stands for true and for false in a column: texts and integers; the first of each is what is written back."""

    true: Items[Annotated[str | int, BeforeValidator(_spelling)]] = Field(min_length=1)
    false: Items[Annotated[str | int, BeforeValidator(_spelling)]] = Field(min_length=1)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        first: dict[tuple[type, object], str] = {}
        for field in ("true", "false"):
            values = given.get(field)
            for at, value in enumerate(values if isinstance(values, list | tuple) else ()):
                if type(value) in (str, int):
                    place = f"{field}[{at}]"
                    earlier = first.setdefault((type(value), value), place)
                    if earlier != place:
                        yield (field, at), f"`{value}` is in {earlier}, too"


class DecimalScale(ValidatedModel):
    """Integers that stand for decimal numbers.

    Attributes:
        scale: how many of their digits are decimal places: 1250 is 12.5 where it is 2.
    """

    scale: int = Field(ge=1, le=18)


def _decimal_format(given: object) -> object:
    """`text` or a scale, validated; raises ValueError for anything else."""
    if given in (None, "text") or isinstance(given, DecimalScale):
        return given
    try:
        return DecimalScale.model_validate(given)
    except ValidationError:
        raise ValueError("must be `text`, or `{scale: 2}` with the decimal places of an integer, 1 to 18") from None


# What a number may be in its column where it is no real.
DecimalFormat = Annotated[Literal["text"] | DecimalScale | None, BeforeValidator(_decimal_format)]


def date_format_mistake(given: str) -> str | None:
    """What is wrong with the name of a format of dates, or with a pattern; None for one that can be used."""
    if "%" in given:
        return pattern_mistake(given)
    named = get_args(DateFormat)
    return None if given in named else f"`{given}` is not allowed{suggestion(given, named)}, or a pattern with %"
