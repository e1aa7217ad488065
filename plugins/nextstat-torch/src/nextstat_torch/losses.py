"""Losses as functions; a session and a signal are told apart by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from nextstat_core.errors import InputError
from nextstat_torch.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.models import HistFactoryModel

__all__ = [
    "batch_profiled_q0_loss",
    "batch_profiled_qmu_loss",
    "create_profiled_session",
    "create_session",
    "nll_loss",
    "ordered",
    "profiled_q0_loss",
    "profiled_qmu_loss",
    "profiled_z0_loss",
    "profiled_zmu_loss",
    "signal_jacobian",
    "signal_jacobian_numpy",
    "unsigned",
]

#: A session, or its inputs: these functions take both orders.
_Either: TypeAlias = Any


def create_session(
    model: HistFactoryModel, signal_sample_name: str | Sequence[str] = "signal", **settings: Any
) -> Session:
    """A session; `settings` are those of `Session`."""
    return Session(model, signal_sample_name, **settings)


def create_profiled_session(
    model: HistFactoryModel, signal_sample_name: str | Sequence[str] = "signal", **settings: Any
) -> Session:
    """The same as `create_session`."""
    return Session(model, signal_sample_name, **settings)


def nll_loss(
    session: _Either, signal_tensor: _Either, params: torch.Tensor | None = None
) -> torch.Tensor:
    """Minus the log-likelihood at `params`; see `Session.nll`."""
    session, signal = ordered(session, signal_tensor)
    return session.nll(signal, params)


def profiled_q0_loss(signal: _Either, session: _Either) -> torch.Tensor:
    """q0 of a signal (..., n_bins); see `Session.q0`."""
    session, signal = ordered(session, signal)
    return session.q0(signal)


def profiled_z0_loss(
    signal: _Either, session: _Either, *, signed: bool = True, eps: float = 1e-12
) -> torch.Tensor:
    """Significance of a signal (..., n_bins).

    Parameters
    ----------
    signed : bool
        Below 0, with a gradient, where the best fit is negative; else the root of ``q0 + eps``,
        which has no gradient there.
    """
    session, signal = ordered(session, signal)
    return session.z0(signal) if signed else unsigned(session.q0(signal), eps)


def profiled_qmu_loss(
    signal: _Either, session: _Either, mu_test: float | torch.Tensor
) -> torch.Tensor:
    """q_mu of a signal (..., n_bins) at `mu_test`; see `Session.qmu`."""
    session, signal = ordered(session, signal)
    return session.qmu(signal, mu_test)


def profiled_zmu_loss(
    signal: _Either,
    session: _Either,
    mu_test: float | torch.Tensor,
    *,
    signed: bool = True,
    eps: float = 1e-12,
) -> torch.Tensor:
    """Root of q_mu of a signal (..., n_bins); `signed` and `eps` as in `profiled_z0_loss`."""
    session, signal = ordered(session, signal)
    if signed:
        return session.zmu(signal, mu_test)
    return unsigned(session.qmu(signal, mu_test), eps)


def batch_profiled_q0_loss(signal_histograms: _Either, session: _Either) -> list[torch.Tensor]:
    """q0 of each signal of (batch, n_bins), minimised together."""
    session, signals = ordered(session, signal_histograms)
    if signals.ndim not in (1, 2):
        raise InputError(
            f"the signals have {signals.ndim} axes; expected (batch, {session.signal_n_bins()})"
        )
    return list(session.q0(signals.reshape(-1, signals.shape[-1])).unbind())


def batch_profiled_qmu_loss(
    signal: _Either, session: _Either, mu_values: Iterable[float] | torch.Tensor
) -> list[torch.Tensor]:
    """q_mu of one signal at each of `mu_values`, minimised together."""
    session, signal = ordered(session, signal)
    if not isinstance(mu_values, torch.Tensor):
        mu_values = torch.tensor([float(mu) for mu in mu_values], dtype=torch.float64)
    return list(session.qmu(signal, mu_values).unbind())


def signal_jacobian(signal: _Either, session: _Either) -> torch.Tensor:
    """Gradient of q0, float64 on the signal's device, outside of any graph."""
    session, signal = ordered(session, signal)
    leaf = signal.detach().to(torch.float64).requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(session.q0(leaf).sum(), leaf)
    return gradient


def signal_jacobian_numpy(signal: _Either, session: _Either) -> NDArray[np.float64]:
    """`signal_jacobian` as an array of NumPy."""
    return signal_jacobian(signal, session).cpu().numpy()


def unsigned(q: torch.Tensor, eps: float) -> torch.Tensor:
    """Root of a statistic; `eps` keeps its derivative finite."""
    return torch.sqrt(q + eps)


def ordered(first: _Either, second: _Either) -> tuple[Session, Any]:
    """The session first, whichever way they were passed."""
    if isinstance(second, Session):
        first, second = second, first
    if not isinstance(first, Session) or isinstance(second, Session):
        kinds = f"{type(first).__name__} and {type(second).__name__}"
        raise TypeError(f"expected a session and its inputs, in any order; found {kinds}")
    return first, second
