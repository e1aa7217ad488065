"""Whether a model is one signal strength and at most one gamma per bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_gym.likelihood import cells_of, widths_move
from nextstat_gym.strength import StrengthBins, StrengthLikelihood

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.request import Request
    from nextstat_core.likelihood import CompiledModel
    from nextstat_core.likelihood.rates import Rates
    from nextstat_core.models import ModelInputs

__all__ = ["strength_likelihood"]

# Distances by which parameters are moved to see what they change, to both sides of most starts.
_MOVES = 0.5, -0.7
# Other points at which rates are compared, and the relative error they may have.
_TRIES, _EQUAL = 8, 1e-12


def strength_likelihood(
    inputs: ModelInputs, request: Request, poi: int
) -> StrengthLikelihood | None:
    """The profile likelihood of a sample's strength in closed form; None where there is none.

    There is one where the sample has no other free factor than the signal strength, which scales no
    other sample, and where its bins have at most one gamma each: constrained, of no other bin, and
    a factor of other samples. Channels without the sample do not matter. The model itself is asked:
    parameters are moved one by one, and rates at other points compared.

    Parameters
    ----------
    inputs : ModelInputs
        Nominal yields of one sample.
    request : Request
        Of the free fit; its fixed parameters stay at its start.
    poi : int
        The signal strength.
    """
    compiled = inputs.model.on_host
    constrained = np.concatenate([compiled.layout.gaussian, compiled.layout.poisson])
    if widths_move(inputs) or poi in constrained or np.any(inputs.values <= 0.0):
        return None
    nominal, own = cells_of(inputs)
    bins = compiled.plan.bin_of_cell[own]
    gamma = _gammas(compiled, nominal, own, request, poi)
    if gamma is None or not np.isin(gamma[gamma >= 0], constrained).all():
        return None

    changed, rng = gamma[gamma >= 0], np.random.default_rng(0)

    def at(strength: float, gammas: float, yields: NDArray[np.float64]) -> Rates:
        theta, cells = _nearby(request, rng), nominal.copy()
        theta[poi], theta[changed], cells[own] = strength, gammas, yields
        return _forward(compiled, theta[:, None], cells)

    scale = at(1.0, 0.0, inputs.values).yields[own, 0] / inputs.values
    rest, above = (at(0.0, each, inputs.values).rate[bins, 0] for each in (0.0, 1.0))
    above = above - rest
    for _ in range(_TRIES):
        strength, gammas = rng.uniform(0.5, 1.5, 2)
        yields = inputs.values * rng.uniform(0.5, 1.5, inputs.size)
        expected = at(strength, gammas, yields).rate[bins, 0]
        error = rest + gammas * above + strength * scale * yields - expected
        if not np.all(np.abs(error) <= _EQUAL * np.abs(expected)):
            return None
    if np.any(above[gamma >= 0] <= 0.0):
        return None
    with np.errstate(all="ignore"):
        groups = _groups(inputs, request, bins, gamma, rest, above)
    usable = all(np.all((g.low < g.rest) & (g.rest < g.high)) for g in groups)
    return StrengthLikelihood(scale, groups) if usable else None


def _nearby(request: Request, rng: np.random.Generator) -> NDArray[np.float64]:
    """The start with free parameters moved a little."""
    found: NDArray[np.float64] = request.start + ~request.fixed * rng.uniform(
        0.05, 0.3, len(request.start)
    )
    return found


def _forward(compiled: CompiledModel, theta: NDArray[np.float64], cells: Any) -> Rates:
    """Rates at points (n_params, rows) where cells have these nominal yields."""
    nominal = np.repeat(cells[:, None], theta.shape[1], axis=1)
    with compiled.backend.errstate():
        return compiled.kernel.forward(theta, 0, nominal=nominal)


def _gammas(
    compiled: CompiledModel,
    nominal: NDArray[np.float64],
    own: NDArray[np.intp],
    request: Request,
    poi: int,
) -> NDArray[np.intp] | None:
    """The free parameter of each of the sample's bins, -1 without one; None if it is no gamma."""
    n, bin_of_cell = len(request.start), compiled.plan.bin_of_cell
    # No parameter stands where another one's effect vanishes.
    middle = _nearby(request, np.random.default_rng(1))[:, None]
    middle[poi] = 1.0
    points = np.concatenate([middle, *(middle + move * np.eye(n) for move in _MOVES)], axis=1)
    cells = _forward(compiled, points, nominal).yields
    changed = (cells[:, 1:] != cells[:, :1]).reshape(len(cells), len(_MOVES), n)
    depends = changed.any(axis=1) & ~request.fixed
    by_bin = np.zeros((compiled.plan.n_bins, n), dtype=bool)
    np.logical_or.at(by_bin, bin_of_cell, depends)
    here = by_bin[bin_of_cell[own]]
    alone = np.zeros_like(depends)
    alone[own, poi] = True
    # The sample depends on the signal strength and on nothing else, and nothing else does.
    if not np.array_equal(depends[own], alone[own]) or depends[:, poi].sum() != len(own):
        return None
    here[:, poi] = False
    used = here.any(axis=0)
    if np.any(here.sum(axis=1) > 1) or np.any(by_bin[:, used].sum(axis=0) > 1):
        return None
    return np.where(here.any(axis=1), here.argmax(axis=1), -1)


def _groups(
    inputs: ModelInputs,
    request: Request,
    bins: NDArray[np.intp],
    gamma: NDArray[np.intp],
    rest: NDArray[np.float64],
    above: NDArray[np.float64],
) -> list[StrengthBins]:
    """Bins by the constraint of their gamma, whose unit in rates is `above`."""
    compiled = inputs.model.on_host
    layout, floor = compiled.layout, compiled.floor[bins, 0]
    count = inputs.model.observed_main[compiled.plan.bin_order][bins]

    def common(where: NDArray[np.intp]) -> tuple[Any, Any, Any, Any]:
        return where, count[where], rest[where], floor[where]

    groups = []
    if np.any(gamma < 0):
        groups.append(StrengthBins.without_gamma(*common(np.flatnonzero(gamma < 0))))
    for poisson, parameters in ((True, layout.poisson), (False, layout.gaussian)):
        where = np.flatnonzero(np.isin(gamma, parameters))
        if not len(where):
            continue
        owner, unit = gamma[where], above[where]
        ends = request.lower[owner] * unit, request.upper[owner] * unit
        place = np.searchsorted(parameters, owner)
        if poisson:
            m, factor = layout.count[place], layout.factor[place] / unit
            groups.append(StrengthBins.with_poisson(*common(where), ends, m, factor))
        else:
            center, width = layout.center[place] * unit, layout.width[place] * unit
            groups.append(StrengthBins.with_gaussian(*common(where), ends, center, width**-2.0))
    return groups
