"""A model evaluated at many points."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_distill.bounds import checked_bounds, default_bounds
from nextstat_distill.dataset import SurrogateDataset
from nextstat_distill.sampling import draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.models import StatisticalModel
    from nextstat_core.typing import ArrayLike

__all__ = ["generate_dataset"]

#: Values of the largest array of a block on the host: larger ones leave the caches of a core, and
#: their memory goes back to the system after each block. On a device, where every block costs a
#: launch of each kernel, blocks are larger.
_VALUES, _VALUES_ON_DEVICE = 200_000, 3_200_000
#: Rows of a block at most.
_ROWS = 1024


def generate_dataset(
    model: StatisticalModel,
    n_samples: int = 100_000,
    *,
    method: str = "sobol",
    bounds: ArrayLike | None = None,
    seed: int = 42,
    include_gradient: bool = True,
    batch_size: int | None = None,
    threads: int | None = None,
) -> SurrogateDataset:
    """Evaluate a model at points of its parameter space.

    Points are evaluated in blocks, on several threads where the model is on the host. The same
    arguments give the same bits, for any number of threads.

    Parameters
    ----------
    model : StatisticalModel
        Any model; one with ``nll_batch`` and ``grad_nll_batch`` is evaluated in batches.
    n_samples : int
        How many points.
    method : {"sobol", "lhs", "uniform", "gaussian"}
        How points are drawn, see `draw`.
    bounds : array-like, shape (n_params, 2), optional
        The box to draw in; `default_bounds` if left out.
    seed : int
        Of the points.
    include_gradient : bool
        Whether gradients are evaluated too.
    batch_size : int, optional
        Points of a block; left out, as many as suit the size of the model. The last digits may
        depend on it.
    threads : int, optional
        Number of threads; left out, one for each core, and one where the model is on a device.

    Returns
    -------
    SurrogateDataset
        With the metadata ``method``, ``seed``, ``n_samples``, ``n_params``, ``include_gradient``,
        ``backend``, ``batch_size``, ``generation_time_ms``, ``throughput_samples_per_sec``,
        ``nll_min``, ``nll_max`` and ``nll_mean``.

    Raises
    ------
    InputError
        If an argument cannot be used, or the likelihood is not finite at a point.
    """
    names = model.parameter_names()
    box = default_bounds(model) if bounds is None else checked_bounds(bounds, names)
    box = checked_bounds(box, names)
    size = _block_rows(model) if batch_size is None else _positive("batch_size", batch_size)
    workers = _cores(model) if threads is None else _positive("threads", threads)
    points = draw(method, n_samples, box, np.asarray(model.suggested_init(), float), seed=seed)

    start = time.perf_counter()
    nll = np.empty(len(points))
    gradient = np.empty(points.shape if include_gradient else (0, 0))
    evaluate = _evaluator(model, with_gradient=include_gradient)

    finite = np.empty(len(points), dtype=bool)

    def fill(first: int) -> None:
        rows = slice(first, first + size)
        value, slope = evaluate(points[rows])
        nll[rows], finite[rows] = value, np.isfinite(value)
        if slope is not None:
            gradient[rows] = slope
            finite[rows] &= np.isfinite(slope).all(axis=1)

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(fill, range(0, len(points), size)):
            pass
    seconds = time.perf_counter() - start

    _refuse_non_finite(points, nll, finite, names)
    metadata = {
        "method": method,
        "seed": int(seed),
        "n_samples": len(points),
        "n_params": len(names),
        "include_gradient": include_gradient,
        "backend": _backend_name(model),
        "batch_size": size,
        "generation_time_ms": 1000.0 * seconds,
        "throughput_samples_per_sec": len(points) / seconds,
        "nll_min": float(nll.min()),
        "nll_max": float(nll.max()),
        "nll_mean": float(nll.mean()),
    }
    return SurrogateDataset(points, nll, gradient, names, box, metadata)


def _evaluator(model: Any, *, with_gradient: bool) -> Any:
    """What evaluates a block: in one pass, as a batch, or row by row, as the model can."""
    if with_gradient and hasattr(model, "nll_and_grad_batch"):
        return model.nll_and_grad_batch
    values = getattr(model, "nll_batch", None) or _by_row(model.nll)
    slopes = getattr(model, "grad_nll_batch", None) or _by_row(model.grad_nll)
    return lambda rows: (values(rows), slopes(rows) if with_gradient else None)


def _by_row(function: Callable[[Any], Any]) -> Callable[[NDArray[np.float64]], Any]:
    return lambda rows: np.asarray([function(row) for row in rows], dtype=float)


def _block_rows(model: Any) -> int:
    plan = getattr(getattr(model, "compiled", None), "plan", None)
    contributions = len(getattr(plan, "contributions", ()))
    width = max(getattr(plan, "n_cells", 1), contributions, model.n_params())
    values = _VALUES if _is_on_host(model) else _VALUES_ON_DEVICE
    return max(1, min(_ROWS, values // width))


def _cores(model: Any) -> int:
    return (os.cpu_count() or 1) if _is_on_host(model) else 1


def _is_on_host(model: Any) -> bool:
    """Whether evaluations run in NumPy, whose threads do not stand in each other's way."""
    return _backend_name(model) in {"", "numpy"}


def _backend_name(model: Any) -> str:
    return str(getattr(getattr(model, "backend", None), "name", ""))


def _positive(what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"`{what}` is {value!r}; expected an integer above zero")
    return int(value)


def _refuse_non_finite(
    points: NDArray[np.float64],
    nll: NDArray[np.float64],
    finite: NDArray[np.bool_],
    names: list[str],
) -> None:
    bad = ~finite
    if not bad.any():
        return
    row = int(np.flatnonzero(bad)[0])
    place = dict(zip(names[:5], points[row, :5].tolist(), strict=True))
    more = ", ..." if len(names) > 5 else ""
    raise InputError(
        f"the likelihood or its gradient is not finite at {int(bad.sum())} of {len(nll)} points, "
        f"first at row {row}: {str(place)[1:-1]}{more} (-log L = {nll[row]})",
        hint="narrower `bounds`, for example bounds_around(model, ...)",
    )
