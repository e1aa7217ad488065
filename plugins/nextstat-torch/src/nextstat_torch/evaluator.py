"""Quantities of one model's inputs, as the operator asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
import torch

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer import InputLimits, InputTests
from nextstat_core.models import ModelInputs
from nextstat_torch.custom_op import register
from nextstat_torch.given import decode
from nextstat_torch.quantities import (
    Flag,
    Found,
    best_fit,
    curvature_of_significance,
    curvature_of_statistic,
    exclusion,
    nll_of_rows,
    of_rows,
    significance,
    statistic,
    uncertainty,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nextstat_core.infer import FitOptions
    from nextstat_core.models import HistFactoryModel

__all__ = ["LOSSES", "SECOND", "TESTS", "DataKind", "Evaluator", "Settings", "Tested", "placed"]

DataKind: TypeAlias = Literal["observed", "asimov"]

#: Quantities that are tests of rows, and how each is computed.
TESTS: dict[str, Callable[..., Found]] = {
    "q0": statistic,
    "qmu": statistic,
    "z0": significance,
    "zmu": significance,
    "mu_hat": best_fit,
    "sigma_mu": uncertainty,
}
#: Those that have second derivatives.
SECOND: dict[str, Callable[[InputTests, Any, Any, Any], NDArray[np.float64]]] = {
    "q0": curvature_of_statistic,
    "qmu": curvature_of_statistic,
    "z0": curvature_of_significance,
    "zmu": curvature_of_significance,
}
#: Those that need the whole machinery of limits.
_EXCLUSIONS = ("limit", "expected_limit", "cls", "expected_cls")
LOSSES = (*TESTS, *_EXCLUSIONS, "nll")


@dataclass(frozen=True, slots=True)
class Settings:
    """Arguments of a session."""

    device: str = "auto"
    templates: Literal["absolute", "relative"] = "absolute"
    data: DataKind | None = None
    test_stat: Literal["qtilde", "q"] = "qtilde"
    strict: bool = False
    options: FitOptions | None = None

    def __post_init__(self) -> None:
        if self.data not in (None, "observed", "asimov"):
            raise InputError.unknown("`data`", self.data, ["observed", "asimov"])
        if self.test_stat not in ("qtilde", "q"):
            raise InputError.unknown("`test_stat`", self.test_stat, ["qtilde", "q"])


class Tested(NamedTuple):
    """Rows that were evaluated.

    Attributes
    ----------
    value : tensor, shape (...)
        Differentiable with respect to the inputs.
    mu_hat : tensor, shape (...)
        Best fit of the parameter of interest, without gradient; NaN where none is known.
    flags : int64 tensor, shape (...)
        Bits of `Flag`; 0 where there is nothing special.
    """

    value: torch.Tensor
    mu_hat: torch.Tensor
    flags: torch.Tensor


class Evaluator:
    """Everything that a session computes, on arrays of the host.

    Attributes
    ----------
    number : int
        By which the operator finds it.
    last : Tested or None
    """

    def __init__(self, model: HistFactoryModel, settings: Settings) -> None:
        self.settings = settings
        # What was observed has no meaning beside Asimov data, but bins must not lose the prediction
        # for what was: with no events at all they may become empty.
        nothing = model.with_observed_main(np.zeros_like(model.observed_main))
        self._models = {"observed": model, "asimov": nothing}
        self.number = register(self)
        self.last: Tested | None = None
        self._inputs: dict[tuple[str, str], ModelInputs] = {}
        self._tests: dict[tuple[str, str, str], InputTests] = {}
        self._limits: dict[tuple[str, float, str], InputLimits] = {}

    def found(
        self,
        keys: str,
        quantity: str,
        data: str,
        vectors: NDArray[np.float64],
        points: NDArray[np.float64],
        *,
        by_points: bool = False,
    ) -> Found:
        """A quantity of rows with its derivatives; those in the points only `by_points`.

        Raises
        ------
        InputError, ModelError
            If inputs cannot be used.
        FitError
            If the session is strict and a fit did not converge.
        """
        inputs = self._inputs_of(keys, data)
        _check(vectors, points, inputs)
        kind, _, alpha = quantity.partition(" ")
        together = _share_templates(inputs)
        compute: Callable[[Any, Any], Found]
        if kind == "nll":
            compute = partial(nll_of_rows, inputs)
        elif kind in _EXCLUSIONS:
            compute = partial(exclusion, self._limits_of(keys, float(alpha), data), kind=kind)
        else:
            compute = partial(TESTS[kind], self._tests_of(keys, kind, data), by_mu=by_points)
        result = of_rows(compute, vectors, points, together=together)
        self.last = Tested(*map(torch.from_numpy, (result.value, result.mu_hat, result.flags)))
        if self.settings.strict:
            _refuse_unconverged(result)
        return result

    def curvature(
        self,
        keys: str,
        quantity: str,
        data: str,
        vectors: NDArray[np.float64],
        points: NDArray[np.float64],
        direction: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Second derivatives of a quantity times a direction per row, (rows, size).

        Raises
        ------
        InputError
            If the quantity has none.
        """
        if quantity not in SECOND:
            raise InputError(
                f"{quantity.partition(' ')[0]!r} has no second derivatives; found a loss that "
                f"needs them; expected one of {', '.join(SECOND)}"
            )
        tests = self._tests_of(keys, quantity, data)
        count = len(direction)
        if _share_templates(tests.inputs) or len(vectors) == 1:
            return SECOND[quantity](tests, vectors, points, direction)
        own = np.repeat(points, count, axis=0) if len(points) == 1 else points
        rows = [slice(row, row + 1) for row in range(count)]
        return np.concatenate(
            [SECOND[quantity](tests, vectors[r], own[r], direction[r]) for r in rows]
        )

    def _inputs_of(self, keys: str, data: str) -> ModelInputs:
        if (keys, data) not in self._inputs:
            self._inputs[keys, data] = ModelInputs(self._models[data], decode(keys))
        return self._inputs[keys, data]

    def _tests_of(self, keys: str, kind: str, data: str) -> InputTests:
        name = self.settings.test_stat if kind in ("qmu", "zmu") else "q0"
        if (keys, name, data) not in self._tests:
            inputs = self._inputs_of(keys, data)
            if data == "asimov" and any(entry.kind == "data" for entry in inputs.entries):
                raise InputError("observed counts are among the inputs, and data='asimov'")
            self._tests[keys, name, data] = InputTests(
                inputs,
                test_stat=name,
                data=cast("DataKind", data),
                options=self.settings.options,
            )
        return self._tests[keys, name, data]

    def _limits_of(self, keys: str, alpha: float, data: str) -> InputLimits:
        if (keys, alpha, data) not in self._limits:
            self._limits[keys, alpha, data] = InputLimits(
                self._inputs_of(keys, data),
                alpha,
                self.settings.test_stat,
                "prefit" if data == "asimov" else "postfit",
                self.settings.options,
            )
        return self._limits[keys, alpha, data]


def placed(model: HistFactoryModel, device: str) -> HistFactoryModel:
    """The model on a device; in any case one of our own, which nobody changes."""
    if device == "auto":
        return model.to(model.backend)
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise InputError(f"unknown device {device!r}; expected 'auto', 'cpu' or 'cuda'") from error
    if kind == "cpu":
        return model.to("numpy")
    if kind != "cuda":
        raise InputError(f"sessions need float64; found the device {device!r}")
    return model.to("torch", device)


def _share_templates(inputs: ModelInputs) -> bool:
    """Whether rows of these inputs are rows of one minimisation."""
    return all(entry.kind in ("nominal", "data") for entry in inputs.entries)


def _check(vectors: NDArray[np.float64], points: NDArray[np.float64], inputs: ModelInputs) -> None:
    if vectors.shape[1] != inputs.size:
        sizes = {entry.key: len(entry.values) for entry in inputs.entries}
        raise InputError(f"inputs have {vectors.shape[1]} entries; expected {sizes}")
    if not np.isfinite(points).all():
        raise InputError("tested values or parameters are not finite")
    if np.isfinite(vectors).all():
        return
    row, column = (int(index) for index in np.argwhere(~np.isfinite(vectors))[0])
    for entry, where in zip(inputs.entries, inputs.slices, strict=True):
        if where.start <= column < where.stop:
            raise InputError(
                f"{entry.key!r}, row {row}, bin {column - where.start}: found "
                f"{vectors[row, column]}; expected a finite number"
            )


def _refuse_unconverged(found: Found) -> None:
    rows = np.flatnonzero(found.flags & Flag.NOT_CONVERGED).tolist()
    if rows:
        raise FitError(f"fits of {len(rows)} of {len(found.flags)} rows did not converge: {rows}")
