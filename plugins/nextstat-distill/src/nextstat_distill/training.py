"""Train a surrogate, and ask it.

Only the functions below import PyTorch, when they are called.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.parameters import parameter_rows
from nextstat_distill.extras import needed
from nextstat_distill.report import OutsideBoundsWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nextstat_core.typing import ArrayLike
    from nextstat_distill.dataset import SurrogateDataset
    from nextstat_distill.network import MLPSurrogate

__all__ = ["predict_nll", "train_mlp_surrogate"]

#: Rows that are predicted at once.
_ROWS = 2**14


def train_mlp_surrogate(
    ds: SurrogateDataset,
    *,
    hidden_layers: Sequence[int] = (256, 256, 128),
    epochs: int = 100,
    lr: float = 1e-3,
    grad_weight: float = 0.1,
    device: str = "cpu",
    batch_size: int = 4096,
    val_fraction: float = 0.1,
    seed: int = 0,
    nll_reference: float | None = None,
    quadratic: bool = True,
) -> MLPSurrogate:
    """Train a network on values and gradients of a likelihood.

    Layers with SiLU; Adam, whose rate falls to zero along a cosine; the loss is the mean squared
    error of the standardised value, plus `grad_weight` times that of its derivatives (Sobolev
    training, W. M. Czarnecki et al., arXiv:1706.04859). Parameters and values are standardised
    inside the module. The same seed gives the same bits on one machine, and no global random state
    is touched.

    Parameters
    ----------
    ds : SurrogateDataset
        Without gradients the network learns from values alone.
    hidden_layers : sequence of int
        Widths, at least one.
    epochs : int
        Passes over the points.
    lr : float
        The rate at the start.
    grad_weight : float
        Weight of derivatives, zero or more.
    device : str
        Where it is trained, and stays; a device of PyTorch with float64.
    batch_size : int
        Points of a step; at most a tenth of the training points are taken.
    val_fraction : float
        Share of the points that is held out, drawn at random; above zero, below one.
    seed : int
        Of the first weights, of the points held out and of the order of points.
    nll_reference : float, optional
        Negative log-likelihood of the best fit, from which errors in sigma are counted
        (``result.nll``); the lowest value of the dataset if left out.
    quadratic : bool
        Take the quadratic form that is nearest to the gradients as a part of the surrogate, so that
        the layers learn what it leaves over. It needs gradients at twice as many points as there
        are parameters, and is zero without.

    Returns
    -------
    torch.nn.Module
        Takes rows of raw parameters and returns negative log-likelihoods in float64, shape (rows,).
        ``report`` is a `SurrogateReport`, ``bounds`` the box of the dataset.

    Raises
    ------
    InputError
        If an argument cannot be used, or there are too few points.
    FitError
        If the loss does not stay finite.
    ModuleNotFoundError
        If PyTorch is not installed; says how to install it.
    """
    needed("torch", "torch", "train_mlp_surrogate")
    from nextstat_distill.optimisation import Settings, train

    settings = Settings(
        hidden_layers=tuple(hidden_layers),
        epochs=epochs,
        lr=lr,
        grad_weight=grad_weight,
        device=device,
        batch_size=batch_size,
        val_fraction=val_fraction,
        seed=seed,
        nll_reference=nll_reference,
        quadratic=quadratic,
    )
    return train(ds, settings)


def predict_nll(surrogate: MLPSurrogate, params_np: ArrayLike) -> Any:
    """Negative log-likelihoods that a surrogate predicts.

    Parameters
    ----------
    surrogate : torch.nn.Module
        From `train_mlp_surrogate`.
    params_np : array-like, shape (n_params,) or (rows, n_params)
        Raw parameters.

    Returns
    -------
    float or float array of shape (rows,)
        A number for one vector.

    Warns
    -----
    OutsideBoundsWarning
        If a parameter is outside the box of the training points; predictions there are guesses.

    Raises
    ------
    InputError
        If `surrogate` is no such module, or the parameters have the wrong length.
    ModuleNotFoundError
        If PyTorch is not installed; says how to install it.
    """
    torch = needed("torch", "torch", "predict_nll")
    from nextstat_distill.network import MLPSurrogate

    if not isinstance(surrogate, MLPSurrogate):
        raise InputError(
            f"`surrogate` is a {type(surrogate).__name__}; "
            "expected what train_mlp_surrogate returns"
        )
    rows = parameter_rows(params_np, len(surrogate.parameter_names))
    _warn_outside(rows, surrogate)
    found = np.empty(len(rows))
    with torch.no_grad():
        for start in range(0, len(rows), _ROWS):
            block = slice(start, start + _ROWS)
            asked = torch.as_tensor(rows[block], device=surrogate.bounds.device)
            found[block] = surrogate(asked).cpu().numpy()
    return float(found[0]) if np.ndim(params_np) == 1 else found


def _warn_outside(rows: NDArray[np.float64], surrogate: MLPSurrogate) -> None:
    lower, upper = surrogate.bounds.cpu().numpy().T
    outside = ~((rows >= lower) & (rows <= upper))
    if outside.any():
        column = int(np.flatnonzero(outside.any(axis=0))[0])
        row = int(np.flatnonzero(outside[:, column])[0])
        message = (
            f"{int(outside.any(axis=1).sum())} of {len(rows)} points are outside the box in which "
            f"the surrogate was trained: {surrogate.parameter_names[column]!r} is "
            f"{rows[row, column]:g}, the box is [{lower[column]:g}, {upper[column]:g}]"
        )
        warnings.warn(message, OutsideBoundsWarning, stacklevel=3)
