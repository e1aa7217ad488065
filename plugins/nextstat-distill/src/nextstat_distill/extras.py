"""Libraries that only some functions need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["needed"]


def needed(library: str, extra: str, what: str) -> Any:
    """Import a library that an extra of this distribution brings.

    Parameters
    ----------
    library : str
        What to import, perhaps a module of it.
    extra : str
        The extra that installs it.
    what : str
        What needs it, for the message.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; says how to install it.
    """
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        top = library.partition(".")[0]
        if error.name not in {top, library}:
            raise  # the library is there, and something that it needs is not
        message = (
            f"{what} needs {top}, which is not installed\n\n"
            f"Hint: python -m pip install 'nextstat-distill[{extra}]'"
        )
        raise ModuleNotFoundError(message, name=top) from None
