"""Records in files of events, as TensorBoard reads them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from nextstat_mlops.trackers import import_tracker

if TYPE_CHECKING:
    from os import PathLike

    from nextstat_mlops.trackers import Record

__all__ = ["TensorboardTracker"]


class TensorboardTracker:
    """Metrics as scalars, context as one text ``nextstat/context`` in JSON, at the same step.

    TensorBoard keeps scalars in single precision.

    Parameters
    ----------
    log_dir : str or path
        Folder of the file; made if it does not exist.

    Raises
    ------
    ModuleNotFoundError
        If TensorBoard is not installed.
    """

    def __init__(self, log_dir: str | PathLike[str] = "runs") -> None:
        writer = import_tracker("tensorboard.summary.writer.event_file_writer", "tensorboard")
        self._events = import_tracker("tensorboard.compat.proto.event_pb2", "tensorboard")
        self._texts = import_tracker("tensorboard.plugins.text.summary_v2", "tensorboard")
        self._writer = writer.EventFileWriter(str(log_dir))

    def log(self, record: Record) -> None:
        text = json.dumps(record.context, indent=2, sort_keys=True)
        summary = self._texts.text_pb("nextstat/context", text)
        for name, value in record.metrics.items():
            summary.value.add(tag=name, simple_value=value)
        self._writer.add_event(
            self._events.Event(summary=summary, step=record.step, wall_time=time.time())
        )
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
