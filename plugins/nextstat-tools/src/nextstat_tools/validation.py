"""Arguments against the schema of a tool: every problem at once, with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from nextstat_core.errors import InputError, PluginError, closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError

__all__ = ["check_arguments"]

_LONGEST = 60


def check_arguments(tool: str, schema: Mapping[str, Any], arguments: Any) -> None:
    """Refuse arguments that do not fit the schema of a tool.

    Raises
    ------
    InputError
        Names every missing, unknown and unusable argument.
    PluginError
        If the schema itself is none.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(arguments, Mapping):
        hint = "decode it with json.loads" if isinstance(arguments, str) else ""
        raise InputError(f"the arguments are {_shown(arguments)}; expected an object", hint=hint)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise PluginError(
            f"the schema of the tool {tool!r} is unusable: {error.message}"
        ) from error
    found = sorted(Draft202012Validator(schema).iter_errors(dict(arguments)), key=_place)
    problems = list(dict.fromkeys(line for error in found for line in _lines(error)))
    if problems:
        known = ", ".join(schema.get("properties", ()))
        raise InputError(
            f"{tool} cannot use these arguments: " + "; ".join(problems),
            hint=f"it takes {known}" if known else "it takes none",
        )


def _place(error: ValidationError) -> str:
    return ".".join(map(str, error.absolute_path))


def _lines(error: ValidationError) -> Iterator[str]:
    place, found, rule = (
        _place(error),
        cast("Any", error.instance),
        cast("Any", error.validator_value),
    )
    inside = f"{place}." if place else ""
    if error.validator == "required":
        for name in rule:
            if name not in found:
                yield f"the argument {inside + name!r} is missing"
    elif error.validator == "additionalProperties" and rule is False:
        known = cast("Any", error.schema).get("properties", {})
        for name in sorted(map(str, found.keys() - known.keys())):
            meant = closest(name, known)
            yield f"there is no argument {inside + name!r}" + (f", {meant}" if meant else "")
    elif error.validator == "type":
        yield f"`{place}` is {_shown(found)}; expected {_expected(rule)}"
    else:
        yield f"`{place}` is {_shown(found)}; expected {error.validator} {rule}"


def _expected(kinds: Any) -> str:
    return " or ".join(map(str, kinds if isinstance(kinds, list) else [kinds]))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
