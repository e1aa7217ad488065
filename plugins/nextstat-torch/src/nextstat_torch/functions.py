"""Losses in the form of PyTorch's functions: classes with a method `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from nextstat_core.errors import InputError
from nextstat_torch.losses import nll_loss, profiled_q0_loss, profiled_qmu_loss, unsigned
from nextstat_torch.session import Session

if TYPE_CHECKING:
    from nextstat_core.models import HistFactoryModel

__all__ = [
    "NextStatNLL",
    "NextStatQ0",
    "NextStatZ0",
    "ProfiledQ0Loss",
    "ProfiledQmuLoss",
    "discovery_z0",
]

#: Sessions of a model by sample, and the numbers that they were made of: `apply` is called often.
_SESSIONS: WeakKeyDictionary[Any, tuple[Any, dict[str, Session]]] = WeakKeyDictionary()


class NextStatQ0(torch.autograd.Function):
    """q0 of a sample's yields in one channel."""

    @classmethod
    def apply(
        cls,
        nominal: torch.Tensor,
        *,
        model: HistFactoryModel,
        channel: str,
        sample: str,
        mle: Any = None,
    ) -> torch.Tensor:
        """Evaluate.

        Parameters
        ----------
        nominal : tensor, shape (bins of the channel,)
        mle : optional
            Accepted because the reference needs one; fits are always those of a session.
        """
        del mle
        return _session(model, sample).q0(_inputs(nominal, channel, sample), data="observed")


class NextStatZ0(torch.autograd.Function):
    """Significance of a sample's yields in one channel."""

    @classmethod
    def apply(
        cls,
        nominal: torch.Tensor,
        *,
        model: HistFactoryModel,
        channel: str,
        sample: str,
        mle: Any = None,
        signed: bool = True,
        eps: float = 1e-12,
    ) -> torch.Tensor:
        """Evaluate; `signed` and `eps` as in `profiled_z0_loss`, all else as in `NextStatQ0`."""
        del mle
        session, inputs = _session(model, sample), _inputs(nominal, channel, sample)
        if signed:
            return session.z0(inputs, data="observed")
        return unsigned(session.q0(inputs, data="observed"), eps)


def discovery_z0(
    nominal: torch.Tensor,
    *,
    model: HistFactoryModel,
    channel: str,
    sample: str,
    mle: Any = None,
    signed: bool = True,
    eps: float = 1e-12,
) -> torch.Tensor:
    """`NextStatZ0` as a function."""
    return NextStatZ0.apply(
        nominal, model=model, channel=channel, sample=sample, mle=mle, signed=signed, eps=eps
    )


class NextStatNLL(torch.autograd.Function):
    """Minus the log-likelihood: ``apply(session, signal, params=None)``, in both orders."""

    @classmethod
    def apply(cls, *arguments: Any, **named: Any) -> torch.Tensor:
        return nll_loss(*arguments, **named)


class ProfiledQ0Loss(torch.autograd.Function):
    """q0: ``apply(signal, session)``, in both orders."""

    @classmethod
    def apply(cls, *arguments: Any, **named: Any) -> torch.Tensor:
        return profiled_q0_loss(*arguments, **named)


class ProfiledQmuLoss(torch.autograd.Function):
    """q_mu: ``apply(signal, session, mu_test)``, in both orders of the first two."""

    @classmethod
    def apply(cls, *arguments: Any, **named: Any) -> torch.Tensor:
        return profiled_qmu_loss(*arguments, **named)


def _session(model: HistFactoryModel, sample: str) -> Session:
    """A session of the model as it is now; another one once its numbers were changed."""
    numbers, known = _SESSIONS.get(model, (None, {}))
    if numbers is not model.ir:
        known = {}
        _SESSIONS[model] = (model.ir, known)
    if sample not in known:
        known[sample] = Session(model, sample)
    return known[sample]


def _inputs(nominal: Any, channel: str, sample: str) -> dict[tuple[str, ...], torch.Tensor]:
    if not isinstance(nominal, torch.Tensor):
        raise TypeError(f"`nominal` is a {type(nominal).__name__}; expected a tensor")
    if nominal.ndim != 1:
        raise InputError(f"`nominal` has {nominal.ndim} axes; expected one with the bins")
    return {(channel, sample): nominal}
