"""Small workspaces and models without a workspace, for fits and toys."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextstat_core.infer import FitOptions, draw_toys
from nextstat_core.infer.covariance import covariance_of
from nextstat_core.infer.minimise_one import hessian_at, minimise_one
from nextstat_core.infer.request import make_request
from nextstat_core.infer.target import HistFactoryTarget
from nextstat_core.models import HistFactoryModel
from nextstat_core.optimize import Status
from nextstat_core.testing import unidentified_pair

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = NDArray[np.float64]
Modifier = dict[str, Any]


def modifier(name: str, kind: str, data: Any = None) -> Modifier:
    return {"name": name, "type": kind, "data": data}


def sample(name: str, data: list[float], *modifiers: Modifier) -> dict[str, Any]:
    return {"name": name, "data": data, "modifiers": list(modifiers)}


def document(
    channels: dict[str, list[dict[str, Any]]],
    observed: dict[str, list[float]],
    *parameters: dict[str, Any],
    poi: str = "mu",
) -> dict[str, Any]:
    """A workspace in pyhf's format."""
    config = {"poi": poi, "parameters": list(parameters)}
    return {
        "channels": [{"name": name, "samples": samples} for name, samples in channels.items()],
        "observations": [{"name": name, "data": counts} for name, counts in observed.items()],
        "measurements": [{"name": "measurement", "config": config}],
        "version": "1.0.0",
    }


def _simple() -> dict[str, Any]:
    """Signal over a background whose bins have a Poisson-constrained gamma each."""
    return document(
        {
            "singlechannel": [
                sample("signal", [12.0, 11.0], modifier("mu", "normfactor")),
                sample("background", [50.0, 52.0], modifier("gamma", "shapesys", [3.0, 7.0])),
            ]
        },
        {"singlechannel": [51.0, 48.0]},
    )


def _full() -> dict[str, Any]:
    """Two channels with every kind of modifier that has a constraint."""
    bkg_norm = modifier("bkg_norm", "normsys", {"hi": 1.2, "lo": 0.85})
    shape = {"hi_data": [55.0, 62.0, 38.0], "lo_data": [46.0, 59.0, 43.0]}
    lumi = {"auxdata": [1.0], "sigmas": [0.017], "bounds": [[0.915, 1.085]], "inits": [1.0]}
    signal = sample(
        "signal",
        [5.0, 10.0, 3.0],
        modifier("mu", "normfactor"),
        modifier("lumi", "lumi"),
        modifier("sig_norm", "normsys", {"hi": 1.1, "lo": 0.9}),
    )
    background = sample(
        "bkg",
        [50.0, 60.0, 40.0],
        modifier("lumi", "lumi"),
        bkg_norm,
        modifier("bkg_shape", "histosys", shape),
        modifier("bkg_ss", "shapesys", [5.0, 6.0, 4.0]),
        modifier("staterror_SR", "staterror", [2.0, 3.0, 1.5]),
    )
    control = sample(
        "bkg",
        [500.0, 400.0],
        bkg_norm,
        modifier("k_bkg", "normfactor"),
        modifier("staterror_CR", "staterror", [10.0, 9.0]),
    )
    return document(
        {"SR": [signal, background], "CR": [control]},
        {"SR": [58.0, 75.0, 41.0], "CR": [510.0, 395.0]},
        {"name": "lumi", **lumi},
    )


def _counting() -> dict[str, Any]:
    """Nothing but mu and two bins: no constraints at all."""
    signal = sample("signal", [10.0, 1.0], modifier("mu", "normfactor"))
    return document(
        {"counting": [signal, sample("background", [5.0, 40.0])]}, {"counting": [9.0, 43.0]}
    )


def _gammas() -> dict[str, Any]:
    """Closed-form gammas and nothing else: no parameter of interest, nothing shared."""
    samples = [
        sample("first", [50.0, 30.0], modifier("ss", "shapesys", [5.0, 4.0])),
        sample("second", [20.0, 25.0]),
    ]
    other = [sample("first", [80.0], modifier("staterror_other", "staterror", [8.0]))]
    return document(
        {"first": samples, "other": other}, {"first": [77.0, 49.0], "other": [91.0]}, poi=""
    )


def _two_gammas() -> dict[str, Any]:
    """A staterror and a shapesys in every bin: blocks of two, without a closed form."""
    background = sample(
        "background",
        [50.0, 60.0, 40.0],
        modifier("ss", "shapesys", [5.0, 6.0, 4.0]),
        modifier("staterror_SR", "staterror", [4.0, 5.0, 3.0]),
    )
    signal = sample("signal", [6.0, 12.0, 9.0], modifier("mu", "normfactor"))
    return document({"SR": [signal, background]}, {"SR": [58.0, 75.0, 47.0]})


def _two_minima() -> dict[str, Any]:
    """Two minima along a one-sided systematic, close enough for MINOS to cross over."""
    first = {"hi_data": [140.0], "lo_data": [125.0]}
    second = {"hi_data": [60.0], "lo_data": [52.0]}
    signal = modifier("mu", "normfactor")
    return document(
        {
            "A": [
                sample("bkg", [100.0], modifier("shared", "histosys", first)),
                sample("signal", [1.0], signal),
            ],
            "B": [sample("bkg", [50.0], modifier("shared", "histosys", second))],
            "C": [sample("bkg", [50.0]), sample("signal", [10.0], signal)],
        },
        {"A": [112.0], "B": [44.0], "C": [52.0]},
    )


def _constrained() -> dict[str, Any]:
    """A counting experiment whose result is mostly decided by the background's constraint."""
    signal = sample("signal", [100.0], modifier("mu", "normfactor"))
    background = sample(
        "background", [900.0], modifier("bkg", "histosys", {"hi_data": [960.0], "lo_data": [840.0]})
    )
    return document(
        {"SR": [signal, background]},
        {"SR": [1000.0]},
        {"name": "mu", "bounds": [[-10.0, 10.0]]},
    )


_DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "simple": _simple,
    "full": _full,
    "counting": _counting,
    "gammas": _gammas,
    "two_gammas": _two_gammas,
    "constrained": _constrained,
    "two_minima": _two_minima,
    "unidentified": unidentified_pair,
}
#: Interpolation codes with a kink at zero.
KINKED = {"normsys": "code1", "histosys": "code0"}


@pytest.fixture(scope="session")
def workspace() -> Callable[[str], dict[str, Any]]:
    """Function that writes a workspace by name."""
    return lambda name: _DOCUMENTS[name]()


@pytest.fixture(scope="session")
def load() -> Callable[..., HistFactoryModel]:
    """Function that makes the model of a workspace by name; ``kinks`` is `full` with codes 0, 1."""

    def make(name: str) -> HistFactoryModel:
        if name == "kinks":
            return HistFactoryModel.from_pyhf(_full(), interpolation=KINKED)
        return HistFactoryModel.from_pyhf(_DOCUMENTS[name]())

    return make


@pytest.fixture(scope="session")
def write() -> Callable[..., HistFactoryModel]:
    """Function that makes a model from ``({channel: [samples]}, {channel: counts})``."""

    def make(*content: Any, interpolation: Any = None, poi: str = "mu") -> HistFactoryModel:
        written = document(*content, poi=poi)
        return HistFactoryModel.from_pyhf(written, interpolation=interpolation)

    return make


@pytest.fixture(scope="session")
def kinked() -> dict[str, str]:
    """Interpolation codes with a kink at zero."""
    return KINKED


@pytest.fixture(scope="session")
def part() -> SimpleNamespace:
    """What workspaces consist of: ``part.sample(...)`` and ``part.modifier(...)``."""
    return SimpleNamespace(sample=sample, modifier=modifier)


@dataclass(frozen=True)
class Single:
    """One data set fitted by Newton alone, not with others."""

    values: Floats
    errors: Floats
    nll: float
    hessian: Floats
    converged: bool
    at_bound: tuple[tuple[str, str], ...]

    def close_to(self, values: Floats) -> float:
        """Distance of a point from the minimum, in units of the negative log-likelihood."""
        move = values - self.values
        return 0.5 * float(move @ self.hessian @ move)


@pytest.fixture(scope="session")
def alone() -> Callable[..., Single]:
    """Function that fits one toy by itself: its main and auxiliary data, the same start."""
    return _alone


def _alone(
    model: HistFactoryModel,
    params: Any,
    toy: int,
    *,
    seed: int = 42,
    auxiliary: bool = True,
    **wishes: Any,
) -> Single:
    target, vector = HistFactoryTarget(model), np.asarray(params, dtype=float)
    data = draw_toys(model.compiled, vector, range(toy, toy + 1), seed, auxiliary=auxiliary)
    request = make_request(target, init_pars=vector, **wishes)
    options = FitOptions(second_modes=False)  # toys go to the minimum near their start
    fitted = minimise_one(target, request, data, options)
    minima = fitted.minima
    hessian = hessian_at(fitted.problem, minima)
    held = minima.held[0]
    sides = {-1: "lower", 1: "upper", 2: "kink"}
    return Single(
        values=minima.x[0],
        errors=covariance_of(hessian, request.fixed, held != 0, target.backend).errors,
        nll=float(minima.value[0]) + fitted.constant,
        hessian=hessian.full(target.backend)[0],
        converged=bool(minima.status[0] == Status.EDM),
        at_bound=tuple((target.names[i], sides[int(held[i])]) for i in np.flatnonzero(held)),
    )


class Shape:
    """A model of the general contract from a function and its gradient."""

    def __init__(
        self,
        names: list[str],
        value: Callable[[NDArray[np.float64]], Any],
        gradient: Callable[[NDArray[np.float64]], Any],
        bounds: tuple[float, float] = (-50.0, 50.0),
        start: float = 0.3,
    ) -> None:
        self._names, self._value, self._gradient = names, value, gradient
        self._bounds, self._start = bounds, start

    def n_params(self) -> int:
        return len(self._names)

    def dim(self) -> int:
        return self.n_params()

    def nll(self, params: Any) -> float:
        return float(self._value(np.asarray(params, dtype=float)))

    def grad_nll(self, params: Any) -> list[float]:
        return np.asarray(self._gradient(np.asarray(params, dtype=float))).tolist()

    def parameter_names(self) -> list[str]:
        return list(self._names)

    def suggested_init(self) -> list[float]:
        return [self._start] * self.n_params()

    def suggested_bounds(self) -> list[tuple[float, float]]:
        return [self._bounds] * self.n_params()


def _tilted(covariance: NDArray[np.float64]) -> Shape:
    """A Gaussian in x, y, z around zero."""
    weight = np.linalg.inv(covariance)
    return Shape(["x", "y", "z"], lambda p: 0.5 * p @ weight @ p, lambda p: weight @ p)


def _banana() -> Shape:
    """A bent valley along ``y = x^2``, with its minimum at zero."""
    return Shape(
        ["x", "y"],
        lambda p: 0.5 * p[0] ** 2 + 2.0 * (p[1] - 0.3 * p[0] ** 2) ** 2,
        lambda p: [
            p[0] - 2.4 * p[0] * (p[1] - 0.3 * p[0] ** 2),
            4.0 * (p[1] - 0.3 * p[0] ** 2),
        ],
    )


def _flat_tails(height: float) -> Shape:
    """``2 dNLL = height (1 - exp(-x^2 / height))``: never above `height`."""
    return Shape(
        ["x"],
        lambda p: 0.5 * height * (1.0 - np.exp(-(p[0] ** 2) / height)),
        lambda p: [p[0] * np.exp(-(p[0] ** 2) / height)],
        bounds=(-np.inf, np.inf),
    )


def _step(where: float) -> Shape:
    """A parabola that jumps by 10 at `where`."""
    return Shape(
        ["x"],
        lambda p: 0.5 * p[0] ** 2 + 10.0 * (p[0] > where),
        lambda p: [p[0]],
    )


@pytest.fixture(scope="session")
def shape() -> SimpleNamespace:
    """Likelihoods of known shape: ``shape.tilted(covariance)`` and so on."""
    return SimpleNamespace(
        tilted=_tilted, banana=_banana, flat_tails=_flat_tails, step=_step, Shape=Shape
    )
