"""Fits in trackers of experiments: metrics as flat dictionaries, and logs of all fits.

Names are loaded when they are first used; no tracker is imported before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_mlops.autologging import Autolog, autolog
    from nextstat_mlops.metrics import Metrics, metrics_dict, significance_metrics
    from nextstat_mlops.mlflow_tracker import MlflowTracker
    from nextstat_mlops.names import metric_name
    from nextstat_mlops.tensorboard_tracker import TensorboardTracker
    from nextstat_mlops.timer import StepTimer
    from nextstat_mlops.trackers import Record, Tracker
    from nextstat_mlops.wandb_tracker import WandbTracker

__all__ = [
    "Autolog",
    "Metrics",
    "MlflowTracker",
    "Record",
    "StepTimer",
    "TensorboardTracker",
    "Tracker",
    "WandbTracker",
    "autolog",
    "metric_name",
    "metrics_dict",
    "significance_metrics",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_mlops.autologging": "Autolog autolog",
    "nextstat_mlops.metrics": "Metrics metrics_dict significance_metrics",
    "nextstat_mlops.mlflow_tracker": "MlflowTracker",
    "nextstat_mlops.names": "metric_name",
    "nextstat_mlops.tensorboard_tracker": "TensorboardTracker",
    "nextstat_mlops.timer": "StepTimer",
    "nextstat_mlops.trackers": "Record Tracker",
    "nextstat_mlops.wandb_tracker": "WandbTracker",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
