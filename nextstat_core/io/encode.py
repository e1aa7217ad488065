"""Documents to JSON text."""

import json
from typing import Any

from nextstat_core.errors import FormatError

__all__ = ["encode"]


def encode(document: Any, *, indent: int | None = 2) -> str:
    """JSON text of a decoded document; numbers keep every bit, whole ones stay whole.

    Parameters
    ----------
    document : mapping
    indent : int, optional
        Spaces per level; None for one line.

    Raises
    ------
    FormatError
        If the document holds what JSON cannot hold, NaN for example.
    """
    try:
        text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")  # half of a surrogate pair is no text
        return text
    except RecursionError as error:
        raise FormatError("the document contains itself, or is nested too deeply") from error
    except (TypeError, ValueError) as error:
        raise FormatError(f"the document contains what JSON cannot hold: {error}") from error
