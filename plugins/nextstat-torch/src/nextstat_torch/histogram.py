"""Histograms that are differentiable with respect to what is filled into them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

import torch

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.typing import ArrayLike

__all__ = ["SoftHistogram"]

_MODES = ("kde", "sigmoid", "gaussian")


class SoftHistogram(torch.nn.Module):
    """A histogram whose bins have no sharp edges.

    Parameters
    ----------
    bin_edges : array-like, shape (n_bins + 1,)
        Increasing.
    bandwidth : float or "auto"
        Width of an event, in units of the scores; half the mean width of bins if ``"auto"``.
    mode : {"kde", "sigmoid", "gaussian"}
        ``"gaussian"``: an event is a Gaussian, and each bin has its integral over the bin; the
        outermost bins reach to infinity, so that the sum of all bins is that of the weights,
        exactly, and the limit of a small bandwidth is the hard histogram.
        ``"kde"``: shares by the distance to the centres of bins, normalised to one per event:
        events outside of the range count in the outermost bins, as far as 11 bandwidths away; what
        is farther counts nowhere.
        ``"sigmoid"``: a difference of two logistic functions; what is outside of the range is lost.

    Raises
    ------
    InputError
        If there are less than two edges, they do not increase, or the bandwidth is not above 0.
    """

    bin_edges: torch.Tensor

    def __init__(
        self,
        bin_edges: ArrayLike | torch.Tensor,
        bandwidth: float | Literal["auto"] = "auto",
        mode: Literal["kde", "sigmoid", "gaussian"] = "kde",
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise InputError.unknown("`mode`", mode, _MODES)
        edges = torch.as_tensor(bin_edges, dtype=torch.float64).detach().clone()
        if edges.ndim != 1 or len(edges) < 2:
            shape = tuple(edges.shape)
            raise InputError(f"`bin_edges` has shape {shape}; expected one axis of 2 or more edges")
        if not (torch.isfinite(edges).all() and (edges.diff() > 0).all()):
            raise InputError("`bin_edges` must be finite and increase")
        width = float(edges.diff().mean()) / 2 if bandwidth == "auto" else float(bandwidth)
        if not 0.0 < width < float("inf"):
            raise InputError(f"`bandwidth` is {bandwidth}; expected a positive number")
        self.register_buffer("bin_edges", edges)
        self.bandwidth, self.mode = width, mode

    @property
    def n_bins(self) -> int:
        return len(self.bin_edges) - 1

    @property
    def bin_centers(self) -> torch.Tensor:
        """Shape (n_bins,)."""
        return 0.5 * (self.bin_edges[:-1] + self.bin_edges[1:])

    def forward(self, scores: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """Fill.

        Parameters
        ----------
        scores : tensor, shape (events,)
        weights : tensor, shape (events,), optional

        Returns
        -------
        tensor, shape (n_bins,)
        """
        if scores.ndim != 1:
            raise InputError(f"`scores` has shape {tuple(scores.shape)}; expected one axis")
        if weights is not None and weights.shape != scores.shape:
            raise InputError.length("weights", expected=len(scores), found=weights.numel())
        shares = self.shares(scores)
        if weights is None:
            return shares.sum(dim=0)
        return (weights[:, None] * shares).sum(dim=0)

    def shares(self, scores: torch.Tensor) -> torch.Tensor:
        """What each event adds to each bin, shape (events, n_bins)."""
        edges = self.bin_edges.to(device=scores.device, dtype=scores.dtype)
        if self.mode == "kde":
            centers = 0.5 * (edges[:-1] + edges[1:])
            pull = (scores[:, None] - centers) / self.bandwidth
            share = torch.exp(-0.5 * pull * pull)
            return share / (share.sum(dim=1, keepdim=True) + 1e-30)
        if self.mode == "sigmoid":
            below = torch.sigmoid((scores[:, None] - edges) / self.bandwidth)
            return below[:, :-1] - below[:, 1:]
        inner = (edges[1:-1] - scores[:, None]) / (sqrt(2.0) * self.bandwidth)
        return _differences(inner)

    def extra_repr(self) -> str:
        return f"{self.n_bins} bins, bandwidth={self.bandwidth:g}, mode={self.mode!r}"

    if TYPE_CHECKING:

        def __call__(self, *arguments: Any, **named: Any) -> torch.Tensor: ...


def _differences(x: torch.Tensor) -> torch.Tensor:
    """Integrals of a Gaussian between neighbouring edges, the outermost reaching to infinity."""
    below, above = 0.5 * torch.erfc(-x), 0.5 * torch.erfc(x)
    nothing, everything = torch.zeros_like(x[:, :1]), torch.ones_like(x[:, :1])
    if x.shape[1] == 0:
        return torch.ones((len(x), 1), dtype=x.dtype, device=x.device)
    lower = torch.cat([nothing, below, everything], dim=1).diff(dim=1)
    upper = -torch.cat([everything, above, nothing], dim=1).diff(dim=1)
    # Of the two forms the one without cancellation: right of the middle that of the upper tail.
    middle = torch.cat([x[:, :1], x], dim=1) > 0.0
    return torch.where(middle, upper, lower)
