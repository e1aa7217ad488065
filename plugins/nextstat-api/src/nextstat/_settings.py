"""What models and fits follow unless told otherwise: backend, evaluation mode, threads."""

from __future__ import annotations

import os
from contextvars import ContextVar
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


@dataclass(slots=True, eq=False)
class _Chosen:
    """A default backend.

    A choice turns out to be for a block only when the block is entered, after it was made for the
    whole process; from then on the choice `instead` holds there.
    """

    name: str | Backend
    device: str | None
    for_block: bool = False
    instead: _Chosen | None = None


@dataclass(slots=True)
class _Settings:
    backend: _Chosen | None = None
    eval_mode: str = "fast"
    threads: int = 1


_settings = _Settings()
#: The choice of the innermost block of this thread or task.
_block: ContextVar[_Chosen | None] = ContextVar("nextstat_backend", default=None)


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
    """A default backend was chosen; as a context manager, for the block and this thread only."""

    def __init__(self, chosen: _Chosen, process: _Chosen | None, outer: _Chosen | None) -> None:
        self._chosen, self._process, self._outer = chosen, process, outer

    def __enter__(self) -> Backend:
        # Other threads may have chosen in the meantime, so nothing is restored: whoever meets this
        # choice as that of the process goes on to the one before.
        self._chosen.for_block, self._chosen.instead = True, self._process
        _block.set(self._chosen)
        return get_backend()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _block.set(self._outer)


def set_backend(name: str | Backend, device: str | None = None) -> BackendChoice:
    """Choose the backend of models that are loaded from now on, in all threads.

    In a ``with`` statement the choice holds for the block, in the thread or asyncio task that runs
    it and in tasks that the block starts. A plain call inside such a block ends with the block too.

    Parameters
    ----------
    name : str or Backend
        Name of an installed backend, such as ``numpy``; also with a device: ``torch:cuda``. Or a
        backend.
    device : str, optional
        Device in the backend's own terms.

    Returns
    -------
    BackendChoice
        The context manager; its value is the backend.

    Raises
    ------
    BackendNotFoundError, BackendUnavailableError
        If it is not installed or cannot be used; the default stays as it was.
    """
    backends.get_backend(name, device)
    chosen, process, outer = _Chosen(name, device), _of_process(), _block.get()
    if outer is None:
        _settings.backend = chosen
    else:
        _block.set(chosen)
    return BackendChoice(chosen, process, outer)


def get_backend() -> Backend:
    """Return the default backend: that of `set_backend`, of ``NEXTSTAT_BACKEND``, or NumPy."""
    chosen = _block.get() or _of_process()
    if chosen is not None:
        return backends.get_backend(chosen.name, chosen.device)
    return backends.get_backend(os.environ.get(_VARIABLE) or "numpy")


def _of_process() -> _Chosen | None:
    """The default outside of blocks; None where nobody chose."""
    chosen = _settings.backend
    while chosen is not None and chosen.for_block:
        chosen = chosen.instead
    return chosen
