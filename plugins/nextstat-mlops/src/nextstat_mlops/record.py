"""What an event of a fit says, as numbers and as text."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.executors import model_digest
from nextstat_core.infer.provenance import provenance_of
from nextstat_core.infer.target import target_of
from nextstat_core.metrics import metrics, metrics_to_wandb_row
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import FitMinimumResult, FitResult
from nextstat_mlops.metrics import Metrics, metrics_dict

if TYPE_CHECKING:
    from nextstat_core.hooks import FitEvent
    from nextstat_core.ir import Model

__all__ = ["Describer"]

_PER_PARAMETER = ("param/", "error/")
_GROUP = "metrics/"


class Describer:
    """Makes metrics and context of events.

    Parameters
    ----------
    prefix : str
        In front of the names of metrics.
    parameters : bool
        Whether values and errors of parameters are among them.
    """

    def __init__(self, prefix: str, *, parameters: bool) -> None:
        self._prefix, self._parameters = prefix, parameters
        self._digest: tuple[Model, str] | None = None

    def describe(self, event: FitEvent, seconds: float) -> tuple[Metrics, dict[str, str]]:
        """Metrics and context of the end of a call that took `seconds`."""
        found = {"n_fits": float(event.n_rows), "time_ms": 1e3 * seconds}
        found |= self._of_result(event.result)
        logged = Metrics({f"{self._prefix}{name}": value for name, value in found.items()})
        context = {"model": event.model, "status": _status(event.result)}
        if event.source is not None:
            context |= self._of_model(event.source)
        if logged.omitted:
            names = (f"{name}={value}" for name, value in logged.omitted.items())
            context["omitted"] = " ".join(names)
        return logged, context

    def _of_result(self, result: Any) -> dict[str, float]:
        if isinstance(result, FitResult | FitMinimumResult):
            fitted = metrics_dict(result)
            every = {**fitted, **fitted.omitted}
            # Time is that of the whole call, with what the result does not see.
            del every["time_ms"]
            if self._parameters:
                return every
            return {k: v for k, v in every.items() if not k.startswith(_PER_PARAMETER)}
        converged = _converged(result)
        found = {} if converged is None else {"n_converged": float(np.sum(converged))}
        try:
            row = metrics_to_wandb_row(metrics(result))
        except InputError:
            return found  # batches of fits have no summary beyond these counts
        return found | {
            name.removeprefix(_GROUP): float(value)
            for name, value in row.items()
            if name.startswith(_GROUP) and isfinite(value)
        }

    def _of_model(self, model: Any) -> dict[str, str]:
        origin = provenance_of(target_of(model))
        found = {
            key: str(origin[key])
            for key in ("nextstat_core", "backend", "device", "dtype", "eval_mode", "measurement")
        }
        if isinstance(model, HistFactoryModel):
            found["workspace_sha256"] = self._sha256(model)
        return found

    def _sha256(self, model: HistFactoryModel) -> str:
        # Fits of one model often follow each other; a large workspace takes a while.
        if self._digest is None or self._digest[0] is not model.ir:
            self._digest = model.ir, model_digest(model)
        return self._digest[1]


def _converged(result: Any) -> Any:
    """Whether each fit of a batch converged; None for what is no batch."""
    if isinstance(result, list | tuple):
        result = [getattr(each, "converged", None) for each in result]
        return None if None in result else result
    found: Any = getattr(result, "converged", None)
    return found if np.ndim(found) == 1 else None


def _status(result: Any) -> str:
    """Why the fit ended, or how many of a batch converged."""
    if isinstance(result, FitResult):
        return result.termination_reason
    if isinstance(result, FitMinimumResult):
        return result.message
    converged = _converged(result)
    return "" if converged is None else f"{int(np.sum(converged))} of {len(converged)} converged"
