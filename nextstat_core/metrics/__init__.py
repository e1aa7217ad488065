"""Results as one document for trackers of experiments, whatever was computed."""

from nextstat_core.metrics.document import SCHEMA_VERSION, metrics, metrics_schema
from nextstat_core.metrics.plain import Absent, plain
from nextstat_core.metrics.row import metrics_to_wandb_row
from nextstat_core.metrics.summaries import summarise
from nextstat_core.metrics.summary import Summary

__all__ = [
    "SCHEMA_VERSION",
    "Absent",
    "Summary",
    "metrics",
    "metrics_schema",
    "metrics_to_wandb_row",
    "plain",
    "summarise",
]
