"""A significance as a module of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

from nextstat_torch.losses import unsigned
from nextstat_torch.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.models import HistFactoryModel
    from nextstat_torch.evaluator import DataKind
    from nextstat_torch.session import Inputs

__all__ = ["SignificanceLoss"]


class SignificanceLoss(torch.nn.Module):
    """Minus the significance of a discovery, to be minimised.

    Signals may have any dtype and device, and results follow them; inside all is float64, whatever
    the module is converted to. There are no parameters to train.

    Parameters
    ----------
    model : HistFactoryModel
    signal_sample_name, device
        As for `Session`.
    negate : bool
        False for the significance itself.
    eps : float
        Added under the root where `signed` is False.
    signed : bool
        Below 0, with a gradient, where the best fit is negative. False: the root of ``q0 + eps``,
        which has no gradient there.
    templates, data, strict
        As for `Session`.

    Attributes
    ----------
    session : Session
    """

    def __init__(
        self,
        model: HistFactoryModel,
        signal_sample_name: str | Sequence[str] = "signal",
        *,
        device: str = "auto",
        negate: bool = True,
        eps: float = 1e-12,
        signed: bool = True,
        templates: Literal["absolute", "relative"] = "absolute",
        data: DataKind | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.session = Session(
            model, signal_sample_name,
            device=device, templates=templates, data=data, strict=strict,
        )  # fmt: skip
        self.negate, self.eps, self.signed = negate, eps, signed

    @property
    def n_bins(self) -> int:
        """Bins of the signal."""
        return self.session.signal_n_bins()

    @property
    def n_params(self) -> int:
        """Parameters of the model."""
        return self.session.n_params()

    def forward(self, signal_hist: Inputs) -> torch.Tensor:
        """The loss of a signal (..., n_bins) or of inputs by key, shape (...)."""
        value = self.z0(signal_hist)
        return -value if self.negate else value

    def q0(self, signal_hist: Inputs) -> torch.Tensor:
        """The test statistic, never negated."""
        return self.session.q0(signal_hist)

    def z0(self, signal_hist: Inputs) -> torch.Tensor:
        """The significance, never negated."""
        if self.signed:
            return self.session.z0(signal_hist)
        return unsigned(self.session.q0(signal_hist), self.eps)

    def extra_repr(self) -> str:
        return f"{self.session!r}, negate={self.negate}"

    if TYPE_CHECKING:

        def __call__(self, signal_hist: Inputs) -> Any: ...
