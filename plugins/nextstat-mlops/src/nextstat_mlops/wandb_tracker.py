"""Records in Weights & Biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_mlops.trackers import import_tracker

if TYPE_CHECKING:
    from nextstat_mlops.trackers import Record

__all__ = ["WandbTracker"]


class WandbTracker:
    """Metrics and context as one row of a run's history; the context as ``nextstat/NAME``, too.

    Records go to the run that is active when the fit ends; where none is, to one that is begun
    here. The context of the first fit of a run is also its configuration.

    Parameters
    ----------
    run : wandb.Run, optional
        A run that gets all records instead.
    **options
        Of ``wandb.init``, for a run that is begun here: ``project``, ``dir``, ``mode="offline"``.

    Raises
    ------
    ModuleNotFoundError
        If Weights & Biases is not installed.
    """

    def __init__(self, run: Any = None, **options: Any) -> None:
        self._wandb = import_tracker("wandb", "wandb")
        self._run, self._options = run, options
        self._own: Any = None
        self._configured: Any = None

    def log(self, record: Record) -> None:
        run = self._current()
        context = {f"nextstat/{name}": value for name, value in record.context.items()}
        if self._configured is not run:
            run.config.update(context, allow_val_change=True)
            self._configured = run
        # The run counts steps, which the user's own rows take, too.
        run.log({**record.metrics, **context})

    def close(self) -> None:
        if self._own is not None:
            self._own.finish()

    def _current(self) -> Any:
        active = self._run or self._wandb.run
        if active is not None:
            return active
        if self._own is None:
            self._own = self._wandb.init(**self._options)
        return self._own
