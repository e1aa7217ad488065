"""Host plan of a gather that sums where several entries land in one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["GatherPlan", "make_gather_plan"]


@dataclass(frozen=True, slots=True)
class GatherPlan:
    """Where each output comes from.

    Attributes
    ----------
    index : int array
        If `collides`, the source of each entry, to be summed by `target`; else the source of each
        output, with n_source for a zero.
    """

    index: np.ndarray
    target: np.ndarray
    n_target: int
    collides: bool
    padded: bool
    identity: bool


def make_gather_plan(
    source: np.ndarray, target: np.ndarray, n_source: int, n_target: int
) -> GatherPlan:
    """Plan of ``out[target] += x[source]`` with outputs of length `n_target`."""
    source, target = np.asarray(source, np.intp), np.asarray(target, np.intp)
    if len(np.unique(target)) < len(target):
        return GatherPlan(source, target, n_target, collides=True, padded=False, identity=False)
    index = np.full(n_target, n_source, dtype=np.intp)
    index[target] = source
    identity = np.array_equal(index, np.arange(n_source))
    padded = len(target) < n_target
    return GatherPlan(index, target, n_target, collides=False, padded=padded, identity=identity)
