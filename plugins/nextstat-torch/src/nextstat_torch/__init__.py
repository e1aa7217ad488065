"""Test statistics, significances and likelihoods as differentiable functions of tensors.

Names are loaded when they are first used, so that finding the package does not import PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_torch.evaluator import Tested
    from nextstat_torch.functions import (
        NextStatNLL,
        NextStatQ0,
        NextStatZ0,
        ProfiledQ0Loss,
        ProfiledQmuLoss,
        discovery_z0,
    )
    from nextstat_torch.histogram import SoftHistogram
    from nextstat_torch.losses import (
        batch_profiled_q0_loss,
        batch_profiled_qmu_loss,
        create_profiled_session,
        create_session,
        nll_loss,
        profiled_q0_loss,
        profiled_qmu_loss,
        profiled_z0_loss,
        profiled_zmu_loss,
        signal_jacobian,
        signal_jacobian_numpy,
    )
    from nextstat_torch.quantities import Flag
    from nextstat_torch.session import (
        DifferentiableSession,
        ProfiledDifferentiableSession,
        Session,
    )
    from nextstat_torch.significance import SignificanceLoss
    from nextstat_torch.tensors import as_tensor

__all__ = [
    "DifferentiableSession",
    "Flag",
    "NextStatNLL",
    "NextStatQ0",
    "NextStatZ0",
    "ProfiledDifferentiableSession",
    "ProfiledQ0Loss",
    "ProfiledQmuLoss",
    "Session",
    "SignificanceLoss",
    "SoftHistogram",
    "Tested",
    "as_tensor",
    "batch_profiled_q0_loss",
    "batch_profiled_qmu_loss",
    "create_profiled_session",
    "create_session",
    "discovery_z0",
    "nll_loss",
    "profiled_q0_loss",
    "profiled_qmu_loss",
    "profiled_z0_loss",
    "profiled_zmu_loss",
    "signal_jacobian",
    "signal_jacobian_numpy",
]

#: Where each public name lives.
_HOMES = {
    "nextstat_torch.evaluator": "Tested",
    "nextstat_torch.functions": (
        "NextStatNLL NextStatQ0 NextStatZ0 ProfiledQ0Loss ProfiledQmuLoss discovery_z0"
    ),
    "nextstat_torch.histogram": "SoftHistogram",
    "nextstat_torch.losses": (
        "batch_profiled_q0_loss batch_profiled_qmu_loss create_profiled_session create_session "
        "nll_loss profiled_q0_loss profiled_qmu_loss profiled_z0_loss profiled_zmu_loss "
        "signal_jacobian signal_jacobian_numpy"
    ),
    "nextstat_torch.quantities": "Flag",
    "nextstat_torch.session": "DifferentiableSession ProfiledDifferentiableSession Session",
    "nextstat_torch.significance": "SignificanceLoss",
    "nextstat_torch.tensors": "as_tensor",
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names.split():
            value = globals()[name] = getattr(import_module(home), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
