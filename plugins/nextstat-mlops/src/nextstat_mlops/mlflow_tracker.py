"""Records in MLflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nextstat_mlops.trackers import import_tracker

if TYPE_CHECKING:
    from nextstat_mlops.trackers import Record

__all__ = ["MlflowTracker"]

# Limits of one request, and of a tag's value.
_METRICS = 1000
_LONGEST_TAG = 5000


class MlflowTracker:
    """Metrics at a step of a run, context as its tags ``nextstat.NAME``.

    Records go to the run that is active when the fit ends, so a run per model is a row per model;
    where none is, to one that is begun here. Tags are those of the latest fit of a run.

    Parameters
    ----------
    run_id : str, optional
        A run that gets all records instead.
    experiment : str, optional
        Name of the experiment of a run that is begun here; made if it does not exist.
    tracking_uri : str, optional
        The store, such as ``sqlite:///fits.db``; by default that of MLflow.

    Raises
    ------
    ModuleNotFoundError
        If MLflow is not installed.
    """

    def __init__(
        self,
        run_id: str | None = None,
        *,
        experiment: str | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        self._mlflow = import_tracker("mlflow", "mlflow")
        self._client = self._mlflow.MlflowClient(tracking_uri=tracking_uri)
        self._run_id, self._experiment = run_id, experiment
        self._elsewhere = tracking_uri is not None
        self._own: str | None = None

    def log(self, record: Record) -> None:
        entities = self._mlflow.entities
        run_id, now = self._run(), time.time_ns() // 1_000_000
        metrics = [
            entities.Metric(name, value, now, record.step) for name, value in record.metrics.items()
        ]
        tags = [
            entities.RunTag(f"nextstat.{name}", value[:_LONGEST_TAG])
            for name, value in record.context.items()
        ]
        self._client.log_batch(run_id, tags=tags)
        for first in range(0, len(metrics), _METRICS):
            self._client.log_batch(run_id, metrics=metrics[first : first + _METRICS])

    def close(self) -> None:
        if self._own is not None:
            self._client.set_terminated(self._own)

    def _run(self) -> str:
        if self._run_id is not None:
            return self._run_id
        # A run that is active lives in MLflow's own store.
        active = None if self._elsewhere else self._mlflow.active_run()
        if active is not None:
            found: str = active.info.run_id
            return found
        if self._own is None:
            created = self._client.create_run(self._experiment_id(), run_name="nextstat")
            self._own = created.info.run_id
        return self._own

    def _experiment_id(self) -> str:
        name = self._experiment or "Default"
        known = self._client.get_experiment_by_name(name)
        found: str = self._client.create_experiment(name) if known is None else known.experiment_id
        return found
