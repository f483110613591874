"""What modules of the server need with each request, such as the key of a service that makes vectors."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.redaction import keep_secret
from weaviate_migration.base.settings import value_in_environment

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Of another value the HTTP library would quote all of it.
_SENDABLE = re.compile(r"[!-~]+( [!-~]+)*").fullmatch


def module_headers(variables: Mapping[str, str]) -> dict[str, str]:
    """The headers with their values, which are kept out of every text from now on.

    Args:
        variables: for each header the variable of the environment that holds it; one that is not set is left out: not
            every command needs it.

    Raises:
        ConfigurationError: a value cannot be sent.
    """
    found = {header: value for header, name in variables.items() if (value := value_in_environment(name)) is not None}
    for header, value in found.items():
        keep_secret(value)
        if not _SENDABLE(value):
            raise ConfigurationError(
                f"{variables[header]}, which is sent as the header `{header}`, holds a character that cannot be sent "
                "(a line break, a blank at an end, a letter beyond ASCII)",
                "Set it to the key alone.",
            )
    return found
