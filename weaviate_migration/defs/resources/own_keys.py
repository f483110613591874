"""Resources by the keys that they have in a project where others have resources, too."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from weaviate_migration.runs.names import BATCHES, MODELS, SOURCE, WEAVIATE, WORK_FOLDER, DagsterNames

_PARAMETERS = frozenset({SOURCE, WEAVIATE, BATCHES, WORK_FOLDER, MODELS})

_P = ParamSpec("_P")
_T = TypeVar("_T")


def with_resources_of(names: DagsterNames) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Has a step take the resources of these names: Dagster knows each by the name of the step's parameter.

    What reads `weaviate` in the code asks Dagster for `crm_weaviate`, where the prefix is `crm`.
    """

    def renamed(step: Callable[_P, _T]) -> Callable[_P, _T]:
        if not names.key_prefix:
            return step
        own_names = {names.of(each): each for each in _PARAMETERS}

        @functools.wraps(step)
        def called(*args: Any, **given: Any) -> _T:
            return step(*args, **{own_names.get(name, name): value for name, value in given.items()})

        _sign(called, step, {own: key for key, own in own_names.items()})
        return called

    return renamed


def _sign(called: Any, step: Callable[..., Any], key_of: dict[str, str]) -> None:
    """Has the function say of itself what the step does, with other names of parameters."""
    signature = inspect.signature(step)
    parameters = [each.replace(name=key_of.get(each.name, each.name)) for each in signature.parameters.values()]
    # Dagster would take a generator that is returned for the step's output, and check the type of that.
    returned = signature.empty if inspect.isgeneratorfunction(step) else signature.return_annotation
    called.__signature__ = signature.replace(parameters=parameters, return_annotation=returned)
    annotations = {each.name: each.annotation for each in parameters} | {"return": returned}
    called.__annotations__ = {name: each for name, each in annotations.items() if each is not signature.empty}
