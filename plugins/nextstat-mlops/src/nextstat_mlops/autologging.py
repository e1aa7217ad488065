"""Logs all fits of the process, whoever calls them."""

from __future__ import annotations

import threading
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager, hookimpl
from nextstat_mlops.record import Describer
from nextstat_mlops.trackers import Record, Tracker, make_tracker

if TYPE_CHECKING:
    from types import TracebackType

    from nextstat_core.hooks import FitEvent

__all__ = ["Autolog", "autolog"]

_NUMBERS = count(1)


def autolog(
    tracker: str | Tracker, *, prefix: str = "nextstat/", parameters: bool = True, **options: Any
) -> Autolog:
    """Log every fit from now on, until the end of a ``with`` block or `Autolog.stop`.

    Parameters
    ----------
    tracker : str or Tracker
        ``mlflow``, ``tensorboard``, ``wandb``, or an object of your own.
    prefix : str
        In front of the names of all metrics.
    parameters : bool
        Whether values and errors of all parameters are logged.
    **options
        Of the tracker: see `MlflowTracker`, `TensorboardTracker`, `WandbTracker`.

    Returns
    -------
    Autolog
        A context manager that has begun already.

    Raises
    ------
    InputError
        If there is no such tracker.
    ModuleNotFoundError
        If its library is not installed.
    """
    if isinstance(tracker, str):
        tracker = make_tracker(tracker, options)
    elif not isinstance(tracker, Tracker):
        raise InputError(
            f"`tracker` is a {type(tracker).__name__}; expected a name, or an object with the "
            "methods log and close"
        )
    elif options:
        raise InputError(f"options are for trackers given by name; found {', '.join(options)}")
    return Autolog(tracker, Describer(prefix, parameters=parameters))


class _Begun(threading.local):
    """When calls of one thread began; what a failed one began, the next one like it replaces."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, int, int], float] = {}


class Autolog:
    """Logging of fits that goes on.

    A tracker that fails does not stop a fit: each failure is a `RuntimeWarning`.

    Attributes
    ----------
    tracker : Tracker
    """

    def __init__(self, tracker: Tracker, describer: Describer) -> None:
        self.tracker = tracker
        self._describer = describer
        self._steps = count()
        self._lock = threading.Lock()
        self._begun = _Begun()
        self._name = f"nextstat-mlops-{next(_NUMBERS)}"
        get_manager().register(self, name=self._name)
        self._on = True

    @hookimpl
    def nextstat_observe_fit(self, event: FitEvent) -> None:
        """Note when calls begin, and log those that end."""
        now = perf_counter()
        key = (event.model, event.n_rows, event.n_params)
        if event.kind == "start":
            self._begun.calls[key] = now
            return
        seconds = now - self._begun.calls.pop(key, float("nan"))
        with self._lock:
            metrics, context = self._describer.describe(event, seconds)
            self.tracker.log(Record(next(self._steps), metrics, context))

    def stop(self) -> None:
        """End it; a second call does nothing."""
        if self._on:
            self._on = False
            get_manager().unregister(self._name)
            self.tracker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
