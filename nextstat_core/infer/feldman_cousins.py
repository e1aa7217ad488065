"""Confidence sets by the construction of Feldman and Cousins, with nuisances profiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.toy_limits import Scan
from nextstat_core.models.arrays import floats, number
from nextstat_core.results import FeldmanCousins

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.statistics import TestStatistic
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.typing import ArrayLike

__all__ = ["feldman_cousins"]


def feldman_cousins(
    model: HistFactoryModel,
    values: ArrayLike,
    *,
    cl: float = 0.6827,
    n_toys: int = 1000,
    test_stat: TestStatistic = "ttilde",
    threads: int = 1,
    executor: Executor | None = None,
    chunk: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> FeldmanCousins:
    """Values of the parameter of interest that toys do not exclude at confidence level `cl`.

    The likelihood ratio orders data sets (Feldman, Cousins, Phys. Rev. D 57 (1998) 3873). Its
    distribution at each value comes from toys drawn at the conditional fit of the data.

    Parameters
    ----------
    values : array-like, shape (n,)
        Values to test.
    n_toys : int
        For each value.
    test_stat : {"ttilde", "t"}
        With or without the physical boundary at 0.
    checkpoint : path, optional
        Folder that keeps one file per value.
    **options
        ``seed``, ``data``, ``aux``, ``fixed``, ``bounds``, ``init``, ``options``, and others as in
        `hypotest_toys`.

    Returns
    -------
    FeldmanCousins
        The set need not be an interval.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    cl = number("cl", cl)
    if not 0.0 < cl < 1.0:
        raise InputError(f"`cl` must lie between 0 and 1; found {cl}")
    if test_stat not in {"t", "ttilde"}:
        raise InputError(f"the ordering takes 'ttilde' or 't'; found {test_stat!r}")
    tested = np.unique(floats("values", values, finite=True))
    if len(tested) < 2:
        raise InputError("`values` must hold at least two different values")
    scan = Scan(
        model,
        n_toys=n_toys,
        n_toys_b=0,
        checkpoint=checkpoint,
        working={"threads": threads, "executor": executor, "chunk": chunk, "progress": progress},
        options={"test_stat": test_stat, **options},
    )
    scan.test(tested.tolist())
    tests = scan.tests
    p_values = np.array([test.p_value for test in tests])
    accepted = p_values > 1.0 - cl
    intervals = _intervals(tested, p_values, 1.0 - cl)
    return FeldmanCousins(
        cl=cl,
        values=tested,
        q=np.array([test.q for test in tests]),
        p_values=p_values,
        errors=np.array([test.p_value_error for test in tests]),
        critical=np.array([np.quantile(test.sb.q[test.sb.valid], cl) for test in tests]),
        accepted=accepted,
        intervals=intervals,
        tests=tuple(tests),
        warnings=(
            *dict.fromkeys(line for test in tests for line in test.warnings),
            *_remarks(tested, accepted, len(intervals)),
        ),
    )


def _intervals(
    values: NDArray[np.float64], p_values: NDArray[np.float64], level: float
) -> tuple[tuple[float, float], ...]:
    """Stretches above the level, their edges interpolated linearly."""
    accepted = p_values > level
    changes = np.flatnonzero(accepted[1:] != accepted[:-1])
    share = (level - p_values[changes]) / (p_values[changes + 1] - p_values[changes])
    edges = (values[changes] + share * (values[changes + 1] - values[changes])).tolist()
    if accepted[0]:
        edges.insert(0, float(values[0]))
    if accepted[-1]:
        edges.append(float(values[-1]))
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def _remarks(values: NDArray[np.float64], accepted: NDArray[np.bool_], count: int) -> list[str]:
    lines = []
    if accepted[0]:
        lines.append(f"the set reaches the lowest tested value, {values[0]:.4g}")
    if accepted[-1]:
        lines.append(f"the set reaches the highest tested value, {values[-1]:.4g}")
    if count > 1:
        lines.append(f"the set is not contiguous: it consists of {count} intervals")
    if not count:
        lines.append("no tested value is accepted")
    return lines
