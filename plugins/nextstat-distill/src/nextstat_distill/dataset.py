"""Points, their likelihoods and gradients, for training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_distill.bounds import checked_bounds
from nextstat_distill.extras import needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SurrogateDataset", "to_numpy", "to_torch_dataset"]


@dataclass(frozen=True, slots=True, eq=False)
class SurrogateDataset:
    """What a surrogate learns from.

    Attributes
    ----------
    parameters : float array, shape (n_samples, n_params)
        In the units of the parameters.
    nll : float array, shape (n_samples,)
        Negative log-likelihoods, natural logarithm.
    gradient : float array, shape (n_samples, n_params) or (0, 0)
        Their derivatives; empty without any.
    parameter_names : list of str
        Unique.
    parameter_bounds : float array, shape (n_params, 2)
        The box in which the points are.
    metadata : dict
        How they were made; values that JSON has.

    Raises
    ------
    InputError
        If shapes do not belong together, names are not unique, or bounds are not finite.
    """

    parameters: NDArray[np.float64]
    nll: NDArray[np.float64]
    gradient: NDArray[np.float64]
    parameter_names: list[str]
    parameter_bounds: NDArray[np.float64]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.parameter_names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"`parameter_names` has {twice!r} more than once")
        rows = len(self.nll)
        shapes: dict[str, tuple[NDArray[np.float64], list[tuple[int, ...]]]] = {
            "nll": (self.nll, [(rows,)]),
            "parameters": (self.parameters, [(rows, len(names))]),
            "gradient": (self.gradient, [(rows, len(names)), (0, 0)]),
        }
        for what, (array, allowed) in shapes.items():
            if array.shape not in allowed:
                expected = " or ".join(map(str, allowed))
                raise InputError(f"`{what}` has shape {array.shape}; expected {expected}")
        checked_bounds(self.parameter_bounds, names)

    @property
    def n_samples(self) -> int:
        """Number of points."""
        return len(self.nll)

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return len(self.parameter_names)

    @property
    def has_gradient(self) -> bool:
        """Whether there are derivatives."""
        return self.gradient.shape == self.parameters.shape


def to_numpy(ds: SurrogateDataset) -> dict[str, NDArray[np.float64]]:
    """The arrays of a dataset: ``parameters``, ``nll``, ``gradient``, ``bounds``; no copies."""
    return {
        "parameters": ds.parameters,
        "nll": ds.nll,
        "gradient": ds.gradient,
        "bounds": ds.parameter_bounds,
    }


def to_torch_dataset(ds: SurrogateDataset, *, dtype: Any = None) -> Any:
    """A ``TensorDataset`` of parameters, negative log-likelihoods and gradients.

    Parameters
    ----------
    ds : SurrogateDataset
    dtype : torch.dtype, optional
        float32 if left out. The likelihood of a large model may be 1e5, where neighbouring float32
        numbers are 0.008 apart: subtract the lowest value first, or ask for ``torch.float64``.

    Returns
    -------
    torch.utils.data.TensorDataset
        Tensors of shapes (n_samples, n_params), (n_samples,) and (n_samples, n_params); the last
        one is zero without gradients.

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed; says how to install it.
    """
    torch = needed("torch", "torch", "to_torch_dataset")
    data = needed("torch.utils.data", "torch", "to_torch_dataset")
    gradient = ds.gradient if ds.has_gradient else np.zeros_like(ds.parameters)
    return data.TensorDataset(
        *(
            torch.tensor(each, dtype=dtype or torch.float32)
            for each in (ds.parameters, ds.nll, gradient)
        )
    )
