"""Digests of workspaces, the same as pyhf's."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nextstat_core.errors import FormatError, InputError, closest
from nextstat_core.io.decode import describe

__all__ = ["workspace_digest"]

#: Algorithms whose digests have a length of their own.
_ALGORITHMS = sorted(name for name in hashlib.algorithms_guaranteed if "shake" not in name)


def workspace_digest(document: Any, algorithm: str = "sha256") -> str:
    """Digest of a decoded workspace: of its JSON text with sorted keys, in UTF-8.

    Neither the order of keys nor blanks in the file matter. Whole numbers and numbers with a
    decimal point are different, as in pyhf: ``1`` is not ``1.0``.

    Parameters
    ----------
    document : mapping
        Decoded workspace; its numbers must be as they were read.
    algorithm : str
        Name of an algorithm of `hashlib`.

    Returns
    -------
    str
        Hexadecimal digits, lower case.

    Raises
    ------
    InputError
        If there is no such algorithm.
    FormatError
        If the document is no object, or holds what JSON cannot hold.

    Examples
    --------
    >>> workspace_digest({"b": 1, "a": [1.0]}, "md5")
    '0ad8398c0f527586e2bbdae8e63025c3'
    """
    if algorithm not in _ALGORITHMS:
        hint = closest(str(algorithm), _ALGORITHMS)
        listed = ", ".join(_ALGORITHMS)
        raise InputError(f"no digest algorithm {algorithm!r}; there are: {listed}", hint=hint)
    if not isinstance(document, Mapping):
        raise FormatError(f"a workspace is a JSON object; found {describe(document)}")
    try:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise FormatError("the document contains itself, or is nested too deeply") from error
    except (TypeError, ValueError) as error:
        raise FormatError(f"the document contains what JSON cannot hold: {error}") from error
    return hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()
