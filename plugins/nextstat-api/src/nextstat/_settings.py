"""What holds for the whole process: backend, evaluation mode, threads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nextstat_core import backend as backends
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from nextstat_core.backend import Backend

__all__ = [
    "BackendChoice",
    "get_backend",
    "get_eval_mode",
    "get_threads",
    "set_backend",
    "set_eval_mode",
    "set_threads",
    "threads_now",
]

#: Default backend, as ``name`` or ``name:device``.
_VARIABLE = "NEXTSTAT_BACKEND"


@dataclass(slots=True)
class _Settings:
    backend: str | None = None
    device: str | None = None
    eval_mode: str = "fast"
    threads: int = 1


_settings = _Settings()


def set_eval_mode(mode: str) -> None:
    """Choose how likelihoods are summed, for all models of this process.

    Parameters
    ----------
    mode : {"fast", "parity"}
        ``parity`` sums with compensation and in one thread, for comparisons with other programs.
    """
    if mode not in {"fast", "parity"}:
        raise InputError(f"Unknown eval mode {mode!r}. Use 'fast' or 'parity'.")
    _settings.eval_mode = mode


def get_eval_mode() -> str:
    """Return ``fast`` or ``parity``."""
    return _settings.eval_mode


def set_threads(threads: int) -> bool:
    """Set the number of threads that share the toys of a study; the default is 1.

    Results do not depend on it.

    Returns
    -------
    bool
        True: the number holds from now on.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError(f"`threads` is {threads!r}; expected an integer of 1 or more")
    _settings.threads = threads
    return True


def get_threads() -> int:
    """Return the number of threads that `set_threads` chose."""
    return _settings.threads


def threads_now() -> int:
    """Number of threads to use: one in parity mode."""
    return 1 if _settings.eval_mode == "parity" else _settings.threads


class BackendChoice:
    """The default backend was changed; as a context manager, until the end of the block."""

    def __init__(self, before: tuple[str | None, str | None]) -> None:
        self._before = before

    def __enter__(self) -> Backend:
        return get_backend()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _settings.backend, _settings.device = self._before


def set_backend(name: str, device: str | None = None) -> BackendChoice:
    """Choose the backend of models that are loaded from now on.

    Parameters
    ----------
    name : str
        Name of an installed backend, such as ``numpy``.
    device : str, optional
        Device in the backend's own terms.

    Returns
    -------
    BackendChoice
        In a ``with`` statement the choice ends with the block.

    Raises
    ------
    BackendNotFoundError, BackendUnavailableError
        If it is not installed or cannot be used; the default stays as it was.
    """
    backends.get_backend(name, device)
    choice = BackendChoice((_settings.backend, _settings.device))
    _settings.backend, _settings.device = name, device
    return choice


def get_backend() -> Backend:
    """Return the default backend: that of `set_backend`, of ``NEXTSTAT_BACKEND``, or NumPy."""
    if _settings.backend is not None:
        return backends.get_backend(_settings.backend, _settings.device)
    name, _, device = os.environ.get(_VARIABLE, "numpy").partition(":")
    return backends.get_backend(name or "numpy", device or None)
