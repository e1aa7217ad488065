r"""Derivatives of the likelihood with respect to the numbers that describe a model.

At fixed parameters :math:`\theta` and data, a nominal yield s enters the rate of its bin with the
product F of all factors on it, a template of a histosys through its interpolation, and both, like
variances, through the widths of constraints that are made from them:

.. math::

    \frac{\partial L}{\partial s_b} = \Big(1 - \frac{n_b}{\nu_b}\Big) F_b
        \Big(1 - \sum_k Q(\alpha_k)\Big)
        + \frac{1}{N_b} \frac{\partial L}{\partial \log (1 / w_b)}

with the bend Q of each histosys on the sample, whose templates stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.backend import digamma
from nextstat_core.errors import InputError
from nextstat_core.ir import HistoSys, model_input, with_inputs
from nextstat_core.models.arrays import floats
from nextstat_core.models.widths import Auxiliary, bin_widths, per_log_width
from nextstat_core.stats import bend_of, linear_of, through

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.ir import Curve, InputKey, ModelInput
    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.likelihood.rates import Rates
    from nextstat_core.models.histfactory import HistFactoryModel
    from nextstat_core.models.widths import BinWidths
    from nextstat_core.typing import Array, ArrayLike

__all__ = ["InputRows", "ModelInputs"]


@dataclass(frozen=True, slots=True)
class InputRows:
    """What rows of a batch have in place of the model's own numbers, as the likelihood takes them.

    Attributes
    ----------
    main : float array, shape (rows, n_main)
        Observed counts.
    yields : float array, shape (rows, cells)
        Nominal yields, in the order of the compiled model.
    width, factor, count : float arrays, (rows, n_gaussian) and twice (rows, n_poisson)
        Widths, factors and counts of constraints.
    idle : bool array, shape (rows, n_params)
        Parameters that a row has to hold at 1: gammas of bins without yields.
    """

    main: NDArray[np.float64]
    yields: NDArray[np.float64]
    width: NDArray[np.float64]
    factor: NDArray[np.float64]
    count: NDArray[np.float64]
    idle: NDArray[np.bool_]


class ModelInputs:
    """Some numbers of a model as one vector, and what the likelihood makes of them.

    Parameters
    ----------
    model : HistFactoryModel
    keys : iterable of InputKey
        Which numbers, in the order of the vector; see `nextstat_core.ir.InputKey`.

    Attributes
    ----------
    entries : tuple of ModelInput
    slices : tuple of slice
        Where each entry lies in the vector.

    Raises
    ------
    InputError
        If a key names nothing of the model, occurs twice, or there is none.
    """

    def __init__(self, model: HistFactoryModel, keys: Iterable[InputKey]) -> None:
        self.model = model
        self.entries: tuple[ModelInput, ...] = tuple(model_input(model.ir, key) for key in keys)
        named = [
            (entry.channel, entry.sample, entry.modifier, entry.kind) for entry in self.entries
        ]
        if not named or len(set(named)) < len(named):
            raise InputError("`keys` is empty or names an input twice; expected one key of each")
        ends = np.cumsum([0, *(len(entry.values) for entry in self.entries)]).tolist()
        self.slices = tuple(slice(a, b) for a, b in pairwise(ends))
        self.size: int = ends[-1]

    @property
    def values(self) -> NDArray[np.float64]:
        """The model's own numbers, shape (size,)."""
        return np.concatenate([np.asarray(entry.values) for entry in self.entries])

    def split(self, vector: Any) -> dict[InputKey, Any]:
        """A vector, or rows of vectors, by key."""
        return {
            entry.key: vector[..., where]
            for entry, where in zip(self.entries, self.slices, strict=True)
        }

    def join(self, parts: Mapping[InputKey, ArrayLike]) -> NDArray[np.float64]:
        """The vector of what is given by key; the model's own numbers where nothing is."""
        known = {entry.key: entry for entry in self.entries}
        for key in parts:
            if key not in known:
                raise InputError.unknown("input", str(key), [str(each) for each in known])
        return np.concatenate(
            [floats(str(entry.key), parts.get(entry.key, entry.values)) for entry in self.entries]
        )

    def changed(self, vector: ArrayLike) -> HistFactoryModel:
        """The model written again with other numbers; see `nextstat_core.ir.with_inputs`."""
        ir = with_inputs(self.model.ir, self.split(floats("inputs", vector)))
        return type(self.model)(ir, backend=self.model.backend, precise=self.model.precise)

    # -- rows that differ in their inputs --------------------------------------------------------

    def rows(self, vectors: NDArray[np.float64]) -> InputRows:
        """Rows with other nominal yields or observed counts, to be fitted together.

        Parameters
        ----------
        vectors : float array, shape (rows, size)

        Raises
        ------
        InputError
            If other inputs than nominal yields and data are among them, which rows share.
        """
        for entry in self.entries:
            if entry.kind not in ("data", "nominal"):
                raise InputError(f"rows share templates and variances; found {entry.key!r}")
        return self.row_inputs(vectors)

    def row_inputs(self, vectors: NDArray[np.float64]) -> InputRows:
        """As `rows`, but templates and variances are the model's own, whatever vectors say."""
        state, layout = self.model._state, self._compiled.layout
        count = len(vectors)
        main = np.repeat(state.main[None, :], count, axis=0)
        yields = np.repeat(self._compiled.plan.nominal[None, :], count, axis=0)
        for entry, where in zip(self.entries, self.slices, strict=True):
            if entry.kind == "data":
                main[:, state.bins.channels[entry.channel]] = vectors[:, where]
            elif entry.kind == "nominal":
                yields[:, self._cells(entry)] = vectors[:, where]
        width = np.repeat(layout.width[None, :], count, axis=0)
        factor = np.repeat(layout.factor[None, :], count, axis=0)
        counts = np.repeat(layout.count[None, :], count, axis=0)
        idle = np.repeat(layout.fixed[None, :], count, axis=0)
        for each in self._moved:
            self._follow(each, yields, width, factor, counts, idle)
        return InputRows(main, yields, width, factor, counts, idle)

    def _follow(
        self,
        each: BinWidths,
        yields: NDArray[np.float64],
        width: NDArray[np.float64],
        factor: NDArray[np.float64],
        count: NDArray[np.float64],
        idle: NDArray[np.bool_],
    ) -> None:
        nominal = each.nominal(yields)
        empty = ~((nominal > 0.0) & (each.variance > 0.0))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            relative = np.where(empty, 1.0, np.sqrt(each.variance) / nominal)
            tau = np.where(empty, 1.0, nominal * nominal / each.variance)
        width[:, each.gaussian[each.width]] = relative[:, each.width]
        factor[:, each.poisson[each.factor]] = tau[:, each.factor]
        count[:, each.poisson[each.count]] = tau[:, each.count]
        # What the model holds for another reason stays held.
        own = empty | self._held_otherwise[each.parameters]
        idle[:, each.parameters] = own

    # -- derivatives ------------------------------------------------------------------------------

    def gradient(
        self,
        theta: NDArray[np.float64],
        rows: InputRows | None = None,
        *,
        center: NDArray[np.float64] | None = None,
        count: NDArray[np.float64] | None = None,
        main: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Derivatives of `nll` at fixed parameters, shape (rows, size).

        Parameters
        ----------
        theta : float array, shape (rows, n_params)
        rows : InputRows, optional
            Inputs of each row; the model's own if left out.
        main : float array, shape (1 or rows, n_main), optional
            Observed counts instead.
        center, count : float arrays, (1 or rows, n_gaussian) and (1 or rows, n_poisson), optional
            Auxiliary data instead. Counts that are given do not follow the inputs; the model's own
            do, as if the workspace were written again.
        """
        compiled, backend = self._compiled, self._compiled.backend
        if main is None:
            main = self.model.observed_main[None, :] if rows is None else rows.main
        layout, follows = compiled.layout, count is None
        width = layout.width[None, :] if rows is None else rows.width
        factor = layout.factor[None, :] if rows is None else rows.factor
        if center is None:
            center = layout.center[None, :]
        if count is None:
            count = layout.count[None, :] if rows is None else rows.count
        arrays = (main, center, width, count, factor)
        main_t, center_t, width_t, count_t, factor_t = (np.ascontiguousarray(a.T) for a in arrays)
        observed = compiled.observe(
            main_t, center=center_t, width=width_t, aux_count=count_t, aux_factor=factor_t
        )
        nominal = None if rows is None else backend.asarray(np.ascontiguousarray(rows.yields.T))
        at = compiled.evaluate(backend.asarray(theta.T), observed, 1, nominal=nominal)
        found = self._of_rates(at.rates, at.terms.slope)
        if any(entry.kind == "data" for entry in self.entries):
            found += self._of_data(at.rates, main)
        auxiliary = Auxiliary(center, width, count, factor, follows=follows)
        yields = self._yields(rows)
        slopes = [per_log_width(each, theta, auxiliary, yields) for each in self._moved]
        return found + self._of_widths(slopes, yields)

    def pull_back(
        self,
        theta: NDArray[np.float64],
        weights: NDArray[np.float64],
        rows: InputRows | None = None,
        *,
        counts: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Derivatives of ``sum_b weights_b nu_b(theta)``, shape (rows, size).

        Parameters
        ----------
        theta : float array, shape (rows, n_params)
        weights : float array, shape (rows, n_main)
        counts : float array, shape (rows, n_poisson), optional
            Weights of factors of Poisson constraints, which are added.
        """
        compiled, backend = self._compiled, self._compiled.backend
        nominal = None if rows is None else backend.asarray(np.ascontiguousarray(rows.yields.T))
        with backend.errstate():
            rates = compiled.kernel.forward(backend.asarray(theta.T), 1, nominal=nominal)
        order = compiled.plan.bin_order
        slope = backend.asarray(np.ascontiguousarray(weights[:, order].T))
        found = self._of_rates(rates, slope)
        if counts is None:
            return found
        slopes, yields = [], self._yields(rows)
        for each in self._moved:
            tau = each.information(yields)
            weight = counts[:, each.poisson] if each.factor.any() else 0.0
            slopes.append(np.where(each.factor, 2.0 * tau * weight, 0.0))
        return found + self._of_widths(slopes, yields)

    def _of_rates(self, rates: Rates, slope: Array) -> NDArray[np.float64]:
        """What the rates contribute, (rows, size)."""
        compiled, backend = self._compiled, self._compiled.backend
        result = np.zeros((rates.rate.shape[1], self.size))
        weights: dict[int, Array] = {}
        with backend.errstate():
            for number, where in enumerate(self.slices):
                entry = self.entries[number]
                if entry.kind in ("data", "variance"):
                    continue
                row = self._row(entry)
                if row not in weights:
                    weights[row] = compiled.kernel.cell_weights(rates, slope, row)
                if entry.kind == "nominal":
                    share = compiled.kernel.share_of_nominal(rates, row)
                else:
                    share = self._share_of_template(number, rates.theta)
                part = backend.to_numpy(weights[row] * share)
                result[:, where] = part.T
        return result

    def _share_of_template(self, number: int, theta: Array) -> Array:
        """Derivative of the yield with respect to a template, (1, rows)."""
        parameter, odd, even = self._curves[number]
        x = theta[parameter : parameter + 1, :]
        backend = self._compiled.backend
        linear, bend = (_value(curve, x, backend) for curve in (odd, even))
        return 0.5 * (linear + bend) if self.entries[number].kind == "hi" else 0.5 * (bend - linear)

    def _of_data(self, rates: Rates, main: NDArray[np.float64]) -> NDArray[np.float64]:
        compiled, backend = self._compiled, self._compiled.backend
        rate = backend.to_numpy(compiled.to_main(backend.xp.maximum(rates.rate, compiled.floor))).T
        slope = digamma(main + 1.0, np) - np.log(rate)
        result = np.zeros((len(rate), self.size))
        for entry, where in zip(self.entries, self.slices, strict=True):
            if entry.kind == "data":
                result[:, where] = slope[:, self.model.main_bins.channels[entry.channel]]
        return result

    def _of_widths(
        self, slopes: list[NDArray[np.float64]], yields: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """From derivatives with respect to ``log(1 / w)`` to those of the inputs, (rows, size)."""
        rows = max([len(yields), *(len(slope) for slope in slopes)])
        result = np.zeros((rows, self.size))
        for each, slope in zip(self._moved, slopes, strict=True):
            nominal = each.nominal(yields)
            used = (nominal > 0.0) & (each.variance > 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                by_yield = np.where(used, slope / nominal, 0.0)
                by_square = np.where(used, -0.5 * slope / each.variance, 0.0)
            for entry, where in zip(self.entries, self.slices, strict=True):
                if entry.channel != each.channel or entry.sample not in each.samples:
                    continue
                if entry.kind == "nominal":
                    result[:, where] += by_yield
                elif entry.kind == "variance" and entry.modifier == each.modifier:
                    result[:, where] += by_square
        return result

    # -- places -----------------------------------------------------------------------------------

    @property
    def _compiled(self) -> CompiledModel:
        return self.model._state.exact(precise=self.model.precise)

    def _yields(self, rows: InputRows | None) -> NDArray[np.float64]:
        return self._compiled.plan.nominal[None, :] if rows is None else rows.yields

    def _row(self, entry: ModelInput) -> int:
        return self.model._state.row_of(entry.channel, entry.sample)

    def _cells(self, entry: ModelInput) -> NDArray[np.intp]:
        return self._compiled.plan.cells_of_row(self._row(entry))

    @cached_property
    def _moved(self) -> list[BinWidths]:
        """Constraints that some input moves."""
        names = {(entry.channel, entry.sample) for entry in self.entries}
        return [
            each
            for each in bin_widths(self.model.ir, self._compiled.plan)
            if any((each.channel, sample) in names for sample in each.samples)
        ]

    @cached_property
    def _held_otherwise(self) -> NDArray[np.bool_]:
        """Parameters that are held although their constraint is made from some yield."""
        held = self._compiled.layout.fixed.copy()
        yields = self._yields(None)
        for each in self._moved:
            empty = ~((each.nominal(yields)[0] > 0.0) & (each.variance > 0.0))
            held[each.parameters[empty]] = False
        return held

    @cached_property
    def _curves(self) -> dict[int, tuple[int, Curve, Curve]]:
        """Parameter, odd and even curve of each template."""
        position = {entry.name: i for i, entry in enumerate(self.model.ir.parameters)}
        found = {}
        for number, entry in enumerate(self.entries):
            if entry.kind not in ("hi", "lo"):
                continue
            modifier = _histosys(self.model, entry)
            index = position[modifier.parameters[0]]
            odd, even = linear_of(modifier.interpolation), bend_of(modifier.interpolation)
            response = self.model.ir.parameters[index].response
            if response is not None:
                odd, even = through(odd, response), through(even, response)
            found[number] = index, odd, even
        return found


def _histosys(model: HistFactoryModel, entry: ModelInput) -> HistoSys:
    return next(
        modifier
        for channel in model.ir.channels
        if channel.name == entry.channel
        for sample in channel.samples
        if sample.name == entry.sample
        for modifier in sample.modifiers
        if isinstance(modifier, HistoSys) and modifier.name == entry.modifier
    )


def _value(curve: Curve, x: Array, backend: Any) -> Array:
    if curve.family is None:
        return x
    none = backend.xp.zeros((0, 1, 1), dtype=backend.dtype, device=backend.device)
    return curve.family(x, none, backend.xp, 0)[0]
