"""Pseudo-experiments: main and auxiliary data drawn from the model at a parameter point.

Toy i has a random stream of its own, ``Philox(key=(seed, i), counter=(0, 0, 0, ensemble))``, so
it is the same on every backend, in every shard, after a restart. Main data are drawn first, then
Gaussian, then Poisson auxiliary data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.target import BatchData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.likelihood import CompiledModel

__all__ = ["check_stream", "draw_toys"]

_LARGEST_RATE = 1e18


def check_stream(seed: int, first_toy: int, ensemble: int) -> None:
    """Refuse what does not name a random stream."""
    for name, value in (("seed", seed), ("first_toy", first_toy), ("ensemble", ensemble)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise InputError(f"`{name}` must be an integer; found {value!r}")
        if not 0 <= value < 2**64:
            raise InputError(f"`{name}` must lie in 0 ... 2**64 - 1; found {value}")


def draw_toys(
    compiled: CompiledModel,
    params: NDArray[np.float64],
    numbers: range,
    seed: int,
    *,
    ensemble: int = 0,
    auxiliary: bool = True,
) -> BatchData:
    """Toys `numbers` of an ensemble.

    Parameters
    ----------
    params : float array, shape (n_parameters,)
        Where they are drawn; counts are 0 in bins whose expectation is not positive.
    seed : int
        0 <= seed < 2**64, like the number of a toy and that of an ensemble.
    ensemble : int
        Independent ensembles of one seed.
    auxiliary : bool
        Draw auxiliary data too; otherwise they keep the model's values.

    Returns
    -------
    BatchData
        One row per toy.
    """
    check_stream(seed, numbers.start, ensemble)
    layout, backend = compiled.layout, compiled.backend
    theta = backend.asarray(params[:, None])
    rates = backend.to_numpy(compiled.expected_main(theta))[:, 0]
    if not np.isfinite(rates).all() or rates.max(initial=0.0) > _LARGEST_RATE:
        raise InputError("toys need finite expectations below 1e18 at `params`")
    rates = np.maximum(rates, 0.0)
    means = np.maximum(layout.factor * params[layout.poisson], 0.0)
    n_gauss, n = len(layout.gaussian), len(numbers)
    main = np.empty((n, len(rates)))
    normal = np.empty((n, n_gauss))
    counts = np.empty((n, len(means)))
    bits = np.random.Philox(key=np.array([seed, 0], dtype=np.uint64))
    generator = np.random.Generator(bits)
    state = bits.state
    for row, number in enumerate(numbers):
        state["state"]["key"][1] = number
        state["state"]["counter"][:] = (0, 0, 0, ensemble)
        bits.state = state
        main[row] = generator.poisson(rates)
        if auxiliary:
            generator.standard_normal(out=normal[row])
            if len(means):
                counts[row] = generator.poisson(means)
    if not auxiliary:
        return BatchData(main)
    return BatchData(main, params[layout.gaussian] + layout.width * normal, counts)
