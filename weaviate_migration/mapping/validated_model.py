"""Models that are frozen and strict, and whose mistakes are all told at once, those between fields too."""

import operator
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails

_T = TypeVar("_T")
# The models are strict, but YAML and JSON know no tuples: here alone, a list is taken for one.
Items = Annotated[tuple[_T, ...], Field(strict=False)]

# A mistake that shows only where fields are seen together: where it is, below the model, and what is wrong.
Mistake = tuple[tuple[str | int, ...], str]


def in_fields_or_else(fields: dict[str, Any], other: str) -> dict[str, Any]:
    """The JSON schema of what may be fields, or of another type: of `anyOf` is only said that nothing fits."""
    return {"if": {"type": "object"}, "then": fields, "else": {"type": other}}


def later(default: Any, **constraints: Any) -> Any:
    """A field that older versions did not have: it is dumped only where it says something.

    So a mapping that does not use it keeps its digest, by which records and collections of older versions know it.
    """
    return Field(default=default, exclude_if=partial(operator.eq, default), **constraints)


class ValidatedModel(BaseModel):
    """What the models of a mapping have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def _mistakes(cls, _given: dict[str, Any]) -> Iterator[Mistake]:
        """What is wrong between fields; they are as given, not yet validated, and may be missing or of any type."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _validated(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Validates fields and what is between them, and raises all mistakes at once: a wrong field hides no other."""
        mistakes = [_as_details(mistake, data) for mistake in cls._mistakes(data)] if isinstance(data, dict) else []
        try:
            model = handler(data)
        except ValidationError as error:
            mistakes = _again(error) + mistakes
            raise ValidationError.from_exception_data(cls.__name__, mistakes) from None
        if mistakes:
            raise ValidationError.from_exception_data(cls.__name__, mistakes)
        return model


def _as_details(mistake: Mistake, data: object) -> InitErrorDetails:
    place, message = mistake
    return InitErrorDetails(type="value_error", loc=place, input=data, ctx={"error": ValueError(message)})


def _again(error: ValidationError) -> list[InitErrorDetails]:
    """A caught error's mistakes as pydantic takes them for a new one.

    Without `too_short` of a list that has items: pydantic counts only the right ones, and reports the wrong ones too.
    """
    return [
        InitErrorDetails(type=details["type"], loc=details["loc"], input=details["input"], ctx=details.get("ctx", {}))
        for details in error.errors(include_url=False)
        if not (details["type"] == "too_short" and details["input"])
    ]
