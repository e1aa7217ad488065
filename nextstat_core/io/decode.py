"""JSON text to plain Python values, with the place of whatever is wrong.

msgspec decodes; where it fails, or where a key may be repeated (which it does not notice), the
standard library decodes again, more slowly, to say what is wrong and where.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from nextstat_core.errors import FormatError, Problem
from nextstat_core.io.places import Path, words

__all__ = ["Decoded", "decode", "describe", "plain"]

_UTF8_BOM = b"\xef\xbb\xbf"
_MAX_SHOWN = 40


class Decoded(NamedTuple):
    """A document, and what in its text is not JSON that a model can be read from."""

    document: Any
    problems: tuple[Problem, ...] = ()

    def usable(self) -> Any:
        """Return the document; raise `FormatError` with all problems if there are any."""
        if self.problems:
            lines = [f"  - {problem}" for problem in self.problems]
            raise FormatError("\n".join(["the text cannot be used:", *lines]))
        return self.document


class _Repeating(dict[str, Any]):
    """An object in which some keys occur more than once."""

    repeated: tuple[str, ...] = ()


def decode(source: Any) -> Decoded:
    """Decode JSON text, or take over the values of a mapping.

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text (UTF-8, with or without byte-order mark), or the decoded document itself; arrays
        in a mapping become lists.

    Raises
    ------
    FormatError
        If the text is no JSON at all; the message has line and column.
    """
    if isinstance(source, str):
        return _decode_text(source.removeprefix("\ufeff"))
    if isinstance(source, bytes | bytearray | memoryview):
        return _decode_text(bytes(source).removeprefix(_UTF8_BOM))
    return Decoded(plain(source))


def plain(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers and None.

    Raises
    ------
    FormatError
        If `value` is no mapping, or contains something that JSON has no word for.
    """
    if not isinstance(value, Mapping):
        message = f"a {type(value).__name__} is no workspace; expected JSON text or a mapping"
        raise FormatError(message)
    try:
        document = msgspec.to_builtins(value, enc_hook=_to_builtin)
        msgspec.json.encode(document)  # refuses strings that are no text, and keys that are no key
        return document
    except RecursionError as error:
        raise FormatError("the document contains itself, or is nested too deeply") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"the document contains what JSON cannot hold: {error}") from error


def describe(value: Any) -> str:
    """Say what was found, briefly, at any depth and size."""
    match value:
        case None:
            found = "null"
        case bool():
            found = str(value).lower()
        case str():
            found = f"the string {value[:_MAX_SHOWN]!r}" + ("..." * (len(value) > _MAX_SHOWN))
        case int() if abs(value) >= 10**_MAX_SHOWN:
            found = "a huge integer"
        case int() | float():
            found = f"the number {value}"
        case Mapping():
            found = "an object"
        case list() | tuple():
            found = f"a list of {len(value)}"
        case _:
            found = type(value).__name__
    return found


def _to_builtin(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__}")


def _decode_text(text: str | bytes) -> Decoded:
    try:
        document = msgspec.json.decode(text)
        if not _may_repeat_keys(text, document):
            return Decoded(document)
        reason = ""
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = str(error)
    return _inspect(_unicode(text), reason)


def _may_repeat_keys(text: str | bytes, document: Any) -> bool:
    # Each key brings one colon, so a dropped key leaves fewer colons in the encoded document than
    # in the text. Escaped colons would blur the count; they do not occur in practice.
    colon, escape = (b":", b"\\u003") if isinstance(text, bytes) else (":", "\\u003")
    encoded: bytes = msgspec.json.encode(document)
    return text.count(colon) != encoded.count(b":") or escape in text  # type: ignore[arg-type, operator]


def _unicode(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte 0x{text[error.start]:02x} in line {line}"
        raise FormatError(message, hint="save the file as UTF-8") from error


def _inspect(text: str, reason: str) -> Decoded:
    """Decode with the standard library, which accepts more and so shows what the document holds."""
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from error
    except RecursionError as error:
        raise FormatError("not usable JSON: nested too deeply") from error
    except ValueError as error:  # an integer with thousands of digits
        raise FormatError(f"not usable JSON: {error}") from error
    problems = tuple(_odd_values(document))
    if reason and not problems:
        problems = (Problem("", f"not usable JSON: {reason}"),)
    return Decoded(document, problems)


def _not_json(text: str, error: json.JSONDecodeError) -> FormatError:
    where = f"line {error.lineno}, column {error.colno}"
    if not text.strip():
        return FormatError("not JSON: the text is empty")
    if error.pos >= len(text.rstrip()):
        return FormatError(f"not JSON: the text ends too early, at {where}: {error.msg}")
    hint = ""
    if text.lstrip()[0] not in "{[" and "\n" not in text.strip():
        hint = "if this is a path, read the file first"
    elif text.lstrip().startswith("<"):
        hint = "this looks like XML"
    return FormatError(f"not JSON: {error.msg} at {where}", hint=hint)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    counts = Counter(key for key, _ in pairs)
    marked = _Repeating(document)
    marked.repeated = tuple(key for key, count in counts.items() if count > 1)
    return marked


def _odd_values(document: Any) -> Iterator[Problem]:
    """Repeated keys and numbers that are not finite; a stack, because nesting may be deep."""
    stack: list[tuple[Path, Any]] = [((), document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, float) and not isfinite(value):
            message = f"found {_spelled(value)}; expected a finite number"
            yield Problem(words(document, path), message)
        if isinstance(value, _Repeating):
            for key in value.repeated:
                message = f"the key {key!r} occurs more than once in this object; expected once"
                yield Problem(words(document, path), message)
        if isinstance(value, dict):
            stack += [((*path, key), entry) for key, entry in reversed(value.items())]
        elif isinstance(value, list):
            stack += [((*path, index), value[index]) for index in reversed(range(len(value)))]


def _spelled(value: float) -> str:
    # `1e400` and `Infinity` decode to the same value.
    return "NaN" if value != value else "Infinity, or a number too large for double precision"  # noqa: PLR0124
