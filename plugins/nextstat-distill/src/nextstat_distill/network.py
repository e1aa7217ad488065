"""The network of a surrogate, in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_distill.report import SurrogateReport

__all__ = ["MLPSurrogate"]


class MLPSurrogate(torch.nn.Module):
    """Negative log-likelihood of raw parameters: a quadratic form, and layers with SiLU.

    Shifts, scales and the quadratic form are part of the module and are applied in float64, since
    float32 has too few digits for the likelihood of a large model; the layers in between, which
    learn what the form leaves over, are float32.

    Parameters
    ----------
    parameter_names : sequence of str
    bounds : float array, shape (n_params, 2)
        Where it is trained.
    hidden_layers : sequence of int
        Widths.

    Attributes
    ----------
    report : SurrogateReport or None
        Errors at held-out points; None before training.
    """

    parameter_shift: torch.Tensor
    parameter_scale: torch.Tensor
    nll_shift: torch.Tensor
    nll_scale: torch.Tensor
    quadratic_linear: torch.Tensor
    quadratic_matrix: torch.Tensor
    bounds: torch.Tensor

    def __init__(
        self,
        parameter_names: Sequence[str],
        bounds: NDArray[np.float64],
        hidden_layers: Sequence[int],
    ) -> None:
        super().__init__()
        self.parameter_names = list(parameter_names)
        self.hidden_layers = tuple(hidden_layers)
        self.report: SurrogateReport | None = None
        widths = [len(self.parameter_names), *self.hidden_layers]
        layers: list[torch.nn.Module] = []
        for i in range(len(self.hidden_layers)):
            layers += [torch.nn.Linear(widths[i], widths[i + 1]), torch.nn.SiLU()]
        self.layers = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1))
        ones = torch.ones(widths[0], dtype=torch.float64)
        self.register_buffer("parameter_shift", torch.zeros_like(ones))
        self.register_buffer("parameter_scale", ones)
        self.register_buffer("nll_shift", torch.zeros((), dtype=torch.float64))
        self.register_buffer("nll_scale", torch.ones((), dtype=torch.float64))
        self.register_buffer("quadratic_linear", torch.zeros_like(ones))
        self.register_buffer("quadratic_matrix", torch.zeros(widths[0], widths[0]).double())
        self.register_buffer("bounds", torch.tensor(bounds, dtype=torch.float64))

    def standardised(self, x: torch.Tensor) -> torch.Tensor:
        """Layers alone: from standardised parameters, (rows, n_params), to values, (rows,)."""
        found: torch.Tensor = self.layers(x)[:, 0]
        return found

    def forward(self, parameters: torch.Tensor) -> torch.Tensor:
        """Negative log-likelihoods, float64 of shape (rows,), of rows of raw parameters."""
        x = (parameters.to(torch.float64) - self.parameter_shift) / self.parameter_scale
        value = self.standardised(x.to(torch.float32))
        form = ((0.5 * (x @ self.quadratic_matrix) + self.quadratic_linear) * x).sum(dim=1)
        return value.to(torch.float64) * self.nll_scale + self.nll_shift + form
