"""Compiled models with data, their derivatives from differences, and generated workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextstat_core.backend import Backend, get_backend
from nextstat_core.io import DECLARED, read_pyhf
from nextstat_core.ir import Model
from nextstat_core.likelihood import CompiledModel, Evaluation, Observations, compile_model
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Floats = NDArray[np.float64]

# Distances in units of the step, and weights, of a first derivative with an error of order h**8.
_STENCIL = np.asarray([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0])
_WEIGHTS = np.asarray([3.0, -32.0, 168.0, -672.0, 672.0, -168.0, 32.0, -3.0]) / 840.0


class Case:
    """A workspace compiled on a backend, with its data; arrays go in and out as numpy's."""

    def __init__(
        self,
        workspace: Mapping[str, Any] | Model,
        *,
        backend: Backend | None = None,
        interpolation: Any = None,
        poi: Any = DECLARED,
        modifier_types: Mapping[str, Any] | None = None,
        precise: bool = False,
    ) -> None:
        self.model = (
            workspace
            if isinstance(workspace, Model)
            else read_pyhf(
                workspace, interpolation=interpolation, poi=poi, modifier_types=modifier_types
            )
        )
        self.backend = backend or get_backend("numpy")
        self.compiled: CompiledModel = compile_model(
            self.model, self.backend, modifier_types=modifier_types, precise=precise
        )
        self.layout = self.compiled.layout
        counts = [n for channel in self.model.sorted_channels() for n in channel.observed]
        self.main: Floats = np.asarray(counts, dtype=float)
        self.data = self.observe()

    def observe(self, main: Floats | None = None, **auxiliary: Any) -> Observations:
        main = self.main[:, None] if main is None else main
        return self.compiled.observe(main, **auxiliary)

    def index(self, name: str) -> int:
        return self.layout.names.index(name)

    def start(self, **values: float) -> Floats:
        """Start of the fit, shape (parameters, 1), with some parameters by name set."""
        theta = self.layout.init.copy()
        for name, value in values.items():
            theta[self.index(name)] = value
        return theta[:, None]

    def random(self, seed: int, spread: float = 1.0) -> Floats:
        """Point inside the bounds, (parameters, 1), clear of the joints of interpolations."""
        layout, generator = self.layout, np.random.default_rng(seed)
        theta = layout.init * generator.uniform(0.4, 1.7, size=layout.n_parameters)
        for index, center, width in (
            (layout.gaussian, layout.center, layout.width),
            (layout.poisson, layout.count / layout.factor, layout.factor**-0.5),
        ):
            theta[index] = center + spread * width * generator.normal(size=len(index))
        theta = np.clip(theta, layout.lower, layout.upper)
        two_sided = layout.lower < -0.5
        for joint in (-1.0, 0.0, 1.0):
            close = two_sided & (np.abs(theta - joint) < 0.05)
            theta[close] = joint + 0.05 * np.where(theta[close] < joint, -1.0, 1.0)
        return theta[:, None]

    def evaluate(self, theta: Floats, order: int = 2, **options: Any) -> Evaluation:
        data = options.pop("data", self.data)
        return self.compiled.evaluate(self.backend.asarray(theta), data, order, **options)

    def value(self, theta: Floats, **options: Any) -> Floats:
        return self.backend.to_numpy(self.evaluate(theta, 0, **options).nll)

    def gradient(self, theta: Floats, **options: Any) -> Floats:
        gradient = self.evaluate(theta, 1, **options).gradient
        assert gradient is not None
        return self.backend.to_numpy(gradient)

    def hessian(self, theta: Floats, **options: Any) -> Floats:
        """Shape (rows, parameters, parameters)."""
        data = options.get("data", self.data)
        matrix = self.compiled.hessian(self.evaluate(theta, **options), data)
        return self.backend.to_numpy(matrix.full(self.backend))

    def fisher(self, theta: Floats, **options: Any) -> Floats:
        data = options.get("data", self.data)
        matrix = self.compiled.fisher(self.evaluate(theta, **options), data)
        return self.backend.to_numpy(matrix.full(self.backend))

    def rates(self, theta: Floats) -> Floats:
        """Expected counts in main order."""
        return self.backend.to_numpy(self.compiled.expected_main(self.backend.asarray(theta)))

    def differences(self, theta: Floats, step: float, **options: Any) -> tuple[Floats, Floats]:
        """Gradient and Hessian at one point, from differences of value and of gradient."""
        n, k = len(theta), len(_STENCIL)
        moves = step * np.eye(n)[:, :, None] * _STENCIL
        points = theta + moves.reshape(n, n * k)
        if "nominal" in options:
            options["nominal"] = np.repeat(options["nominal"], n * k, axis=1)
        values = self.value(points, **options).reshape(n, k)
        gradients = self.gradient(points, **options).reshape(n, n, k)
        return values @ _WEIGHTS / step, gradients @ _WEIGHTS / step

    def check_derivatives(self, theta: Floats, step: float = 1e-3, **options: Any) -> None:
        """Compare gradient and Hessian with differences."""
        gradient = self.gradient(theta, **options)[:, 0]
        hessian = self.hessian(theta, **options)[0]
        slopes, curvatures = self.differences(theta, step, **options)
        size = np.sqrt(np.abs(np.diagonal(hessian))) + 1.0
        value = float(np.abs(self.value(theta, **options)[0]))
        rounding = 1e-14 * (value + 1.0) / step
        _close(gradient, slopes, 1e-8 * (np.abs(gradient) + size**2) + rounding, self)
        rounding = 1e-14 * (np.abs(gradient)[:, None] + size[:, None] ** 2) / step
        allowed = 1e-8 * (np.abs(hessian) + size[:, None] * size) + rounding
        _close(hessian, curvatures, allowed, self)
        np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-12 * size.max() ** 2)


def _close(actual: Floats, expected: Floats, allowed: Floats, case: Case) -> None:
    off = np.abs(actual - expected) - allowed
    worst = np.unravel_index(np.argmax(off), off.shape)
    names = " x ".join(case.layout.names[i] for i in worst)
    assert not off[worst] > 0.0, f"{names}: {actual[worst]} against {expected[worst]}"
    assert np.isfinite(actual).all()


@pytest.fixture(scope="session")
def case() -> type[Case]:
    """Class of compiled workspaces: ``case(workspace, ...)``."""
    return Case


@pytest.fixture(params=["numpy", "strict"])
def backend(request: pytest.FixtureRequest) -> Backend:
    return get_backend("numpy") if request.param == "numpy" else StrictBackend()


@pytest.fixture(scope="session")
def workspace() -> Callable[..., dict[str, Any]]:
    """Function that writes a workspace from {channel: {sample: (nominal, *modifiers)}}."""
    return _workspace


def _workspace(
    channels: Mapping[str, Mapping[str, tuple[Any, ...]]],
    observed: Mapping[str, list[float]],
    *,
    poi: str = "mu",
    parameters: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    def sample(name: str, nominal: list[float], *modifiers: tuple[str, str, Any]) -> dict[str, Any]:
        listed = [{"name": n, "type": t, "data": d} for n, t, d in modifiers]
        return {"name": name, "data": nominal, "modifiers": listed}

    return {
        "channels": [
            {"name": name, "samples": [sample(s, *content) for s, content in samples.items()]}
            for name, samples in channels.items()
        ],
        "observations": [{"name": name, "data": data} for name, data in observed.items()],
        "measurements": [
            {"name": "measurement", "config": {"poi": poi, "parameters": list(parameters)}}
        ],
        "version": "1.0.0",
    }
