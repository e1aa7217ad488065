"""One model on a backend, and on numpy with compensated sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.infer import fit
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results import FitResult
    from parity_matrix.backends import Presence
    from parity_matrix.subjects import Subject

__all__ = ["Measured", "Pair", "make_pair"]


class Measured:
    """A model, the points at which it is looked at, and its fit, made once."""

    def __init__(self, model: HistFactoryModel, points: NDArray[np.float64]) -> None:
        self.model, self.points = model, points

    @cached_property
    def fit(self) -> FitResult:
        return fit(self.model)

    @cached_property
    def data(self) -> NDArray[np.float64]:
        """Five sets of observed counts, shape (5, n_main): the model's own, fewer and more."""
        factors = np.asarray([1.0, 0.8, 0.9, 1.1, 1.2])[:, None]
        return np.round(factors * self.model.observed_main)


class Reference(Measured):
    """What others are compared with."""

    @cached_property
    def cells(self) -> NDArray[np.float64]:
        """Sum of the absolute yields of a bin's samples, at each point: (3, n_main)."""
        return np.asarray([self._cells(point.tolist()) for point in self.points])

    def _cells(self, point: list[float]) -> NDArray[np.float64]:
        channels = self.model.expected_main_by_channel_sample(point)
        return np.concatenate(
            [
                np.sum([np.abs(sample["y"]) for sample in each["samples"]], axis=0)
                for each in channels
            ]
        )

    @cached_property
    def slopes(self) -> NDArray[np.float64]:
        """Differences of the NLL at the probe, to fourth order in the step: (n_params,)."""
        # Yields that systematics change a hundredfold leave an error of 0.05 at a step of 1e-3.
        step, n = 2e-4, self.model.n_params()
        moves = step * np.concatenate([k * np.eye(n) for k in (-2.0, -1.0, 1.0, 2.0)])
        far_down, down, up, far_up = self.model.nll_batch(self.points[1] + moves).reshape(4, n)
        return (8.0 * (up - down) - (far_up - far_down)) / (12.0 * step)


@dataclass(frozen=True)
class Pair:
    """The same model on a backend, `mine`, and on numpy, `reference`."""

    presence: Presence
    subject: Subject
    mine: Measured
    reference: Reference


@cache
def _reference(subject: Subject) -> Reference:
    model = subject.read(backend="numpy", precise=True)
    return Reference(model, subject.points(model))


@cache
def make_pair(presence: Presence, subject: Subject) -> Pair:
    """The models of a case, compiled once for all tests."""
    reference = _reference(subject)
    assert presence.backend is not None
    model = HistFactoryModel(reference.model.ir, backend=presence.backend)
    return Pair(presence, subject, Measured(model, reference.points), reference)
