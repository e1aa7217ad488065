"""What is logged about a fit, and who logs it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_mlops.metrics import Metrics

__all__ = ["TRACKERS", "Record", "Tracker", "import_tracker", "make_tracker"]


@dataclass(frozen=True, slots=True)
class Record:
    """One call of a function that fits.

    Attributes
    ----------
    step : int
        Counts from 0 as long as logging goes on.
    metrics : Metrics
    context : mapping of str to str
        What a number cannot say: ``status``, ``model``, ``workspace_sha256``, ``backend``,
        ``device``, ``dtype``, ``eval_mode``, ``measurement``, ``nextstat_core``, ``omitted``.
    """

    step: int
    metrics: Metrics
    context: Mapping[str, str]


@runtime_checkable
class Tracker(Protocol):
    """Who logs records."""

    def log(self, record: Record) -> None:
        """Log one; an exception becomes a warning, and the fit goes on."""

    def close(self) -> None:
        """End what was begun here; called once."""


#: Names that `autolog` knows, and where their classes live.
TRACKERS = {
    "mlflow": ("nextstat_mlops.mlflow_tracker", "MlflowTracker"),
    "tensorboard": ("nextstat_mlops.tensorboard_tracker", "TensorboardTracker"),
    "wandb": ("nextstat_mlops.wandb_tracker", "WandbTracker"),
}


def make_tracker(name: str, options: Mapping[str, Any]) -> Tracker:
    """The tracker of this name.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in TRACKERS:
        raise InputError.unknown("tracker", name, list(TRACKERS))
    module, kind = TRACKERS[name]
    tracker: Tracker = getattr(import_module(module), kind)(**options)
    return tracker


def import_tracker(module: str, extra: str) -> Any:
    """A module of a tracker's library.

    Raises
    ------
    ModuleNotFoundError
        If the library is not installed, with the remedy.
    """
    package = module.split(".", 1)[0]
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        message = (
            f"the tracker {extra!r} needs {package}, which is not installed\n\n"
            f'Hint: python -m pip install "nextstat-mlops[{extra}]"'
        )
        raise ModuleNotFoundError(message, name=package) from None
    return import_module(module)
