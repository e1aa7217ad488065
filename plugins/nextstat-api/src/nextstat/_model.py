"""HistFactory models that follow the settings of the process."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from nextstat._devices import backend_for
from nextstat._settings import get_eval_mode
from nextstat_core import io, models
from nextstat_core.hooks import get_manager

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.io import InterpolationChoice
    from nextstat_core.ir import Model

__all__ = ["HistFactoryModel", "from_pyhf", "log_warnings", "workspace_audit"]

_log = logging.getLogger("nextstat")


class HistFactoryModel(models.HistFactoryModel):
    """A HistFactory model that follows the settings.

    It is on the default backend unless told otherwise (see `from_pyhf`), and its sums are
    compensated while the evaluation mode is ``parity``.
    """

    def __init__(
        self,
        model: Model,
        *,
        backend: str | Backend | None = None,
        device: str | None = None,
        precise: bool = False,
    ) -> None:
        super().__init__(model, backend=backend_for(backend, device), precise=precise)

    @property
    def precise(self) -> bool:
        return get_eval_mode() == "parity"


def from_pyhf(
    source: Any,
    *,
    measurement: str | None = None,
    poi: Any = io.DECLARED,
    interpolation: InterpolationChoice = None,
    backend: str | Backend | None = None,
    device: str | None = None,
) -> HistFactoryModel:
    """Create a model from a workspace in pyhf's JSON format, or from an HS3 document.

    What is odd about the workspace is in ``model.warnings``, and logged once.

    Parameters
    ----------
    source : str, bytes, mapping or path
        JSON text, a decoded workspace (a `pyhf.Workspace` is one), or a path.
    measurement : str, optional
        Name of the measurement, in HS3 of the analysis; the first one if left out.
    poi : str or None, optional
        Name of the parameter of interest, or None for a model without one. Left out, the
        measurement declares it.
    interpolation : str or mapping, optional
        ``"pyhf"`` or ``"root"`` (codes 4 and 4p, the default), or codes by kind of modifier and by
        modifier: ``{"normsys": "code1", "histosys/jes": "code0"}``.
    backend : str or Backend, optional
        Where the model is evaluated: a name, perhaps with a device (``torch:cuda``), or a backend.
        The default is that of `set_backend`.
    device : str, optional
        Device in the terms of `backend`. Without `backend` a kind of device, ``cpu``, ``cuda`` or
        ``metal``, for which an installed backend is found.

    Returns
    -------
    HistFactoryModel

    Raises
    ------
    FormatError
        If `source` is no JSON.
    ModelError
        If the workspace describes no usable model; lists all problems at once.
    BackendNotFoundError, BackendUnavailableError
        If the backend is not installed, or cannot use the device.
    """
    model = HistFactoryModel.from_workspace(
        source,
        measurement=measurement,
        poi=poi,
        interpolation=interpolation,
        backend=backend,
        device=device,
    )
    log_warnings(model)
    return model


def log_warnings(model: HistFactoryModel) -> None:
    """Log what is odd about a model, each sentence once per process."""
    for warning in model.warnings:
        _log_once(warning)


@cache
def _log_once(message: str) -> None:
    """Log a warning about a workspace, the first time that it comes up."""
    _log.warning(message)


def workspace_audit(source: Any) -> dict[str, Any]:
    """Count what a workspace holds and list what is wrong with it; see `nextstat_core.io`.

    `source` is as in `from_pyhf`. The workspace loads if ``problems`` is empty.
    """
    return io.workspace_audit(models.document_of(source), modifier_types=get_manager().modifiers)
