"""A model whose inputs are tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import torch

from nextstat_core.errors import InputError
from nextstat_core.models import HistFactoryModel
from nextstat_torch.custom_op import evaluate
from nextstat_torch.evaluator import LOSSES, TESTS, DataKind, Evaluator, Settings, Tested, placed
from nextstat_torch.given import (
    Given,
    SignalPlaces,
    broadcast,
    on_host,
    result_type,
    rows_of,
    tested_values,
    together,
)
from nextstat_torch.tensors import tensor_at

if TYPE_CHECKING:
    from nextstat_core.infer import FitOptions
    from nextstat_core.ir import InputKey

__all__ = ["DifferentiableSession", "Inputs", "ProfiledDifferentiableSession", "Session"]

Inputs: TypeAlias = "torch.Tensor | Mapping[InputKey, torch.Tensor]"


class Session(Mapping[str, Any]):
    """A model whose inputs are tensors, on any device.

    Everything that it computes takes `inputs`: the nominal yields of one sample (the signal), a
    tensor (..., n_bins) with the bins of all its channels one after the other in the order of the
    model, or a mapping of keys to tensors (..., bins of the channel), see
    `nextstat_core.ir.InputKey`. Axes before the last are rows, and all rows are minimised together;
    rows with templates or variances among their inputs are models of their own and are fitted one
    after the other. Results have the dtype and device of the inputs; inside all is float64.

    As a mapping it says what it is: ``session["n_bins"]``.

    Parameters
    ----------
    model : HistFactoryModel
        Stays as it is, whatever the session is given; later changes of it are not seen.
    signal_sample_name : str or sequence of str
        Sample whose yields the signal is, or several: channels in the order of the model, and
        samples in the order of the channel.
    device : str
        Where rows are minimised: ``"auto"`` where the model is, else ``"cpu"``, ``"cuda"``,
        ``"cuda:1"``. Tensors may be anywhere.
    templates : {"absolute", "relative"}
        Whether templates of histosys and uncertainties of the signal stay when its yields move, as
        in a workspace written again, or scale along.
    data : {"observed", "asimov"}, optional
        What is tested: the model's counts, or the Asimov data of the inputs, which move with them:
        expected counts at the start of all parameters, with the signal at 1 for q0, and at 0 for
        q_mu. By default observed for a signal or where counts are among the inputs, else Asimov.
    test_stat : {"qtilde", "q"}
        What q_mu is; see `nextstat_core.infer.hypotest`.
    strict : bool
        Raise `FitError` where a fit did not converge, instead of setting a flag.
    options : FitOptions, optional
        Settings of fits; the tolerance is at most 1e-13.

    Raises
    ------
    InputError
        If the model is no HistFactory model or has no such sample, or an argument is unknown.
    """

    def __init__(
        self,
        model: HistFactoryModel,
        signal_sample_name: str | Sequence[str] = "signal",
        *,
        device: str = "auto",
        templates: Literal["absolute", "relative"] = "absolute",
        data: DataKind | None = None,
        test_stat: Literal["qtilde", "q"] = "qtilde",
        strict: bool = False,
        options: FitOptions | None = None,
    ) -> None:
        if not isinstance(model, HistFactoryModel):
            raise InputError(f"`model` is a {type(model).__name__}; expected a HistFactoryModel")
        self.settings = Settings(device, templates, data, test_stat, strict, options)
        self.model = placed(model, device)
        self.signal_sample_name = signal_sample_name
        self.device = torch.device(str(getattr(self.model.backend, "device", "cpu")))
        named = signal_sample_name
        samples = (named,) if isinstance(named, str) else tuple(named)
        self._places = SignalPlaces(self.model.ir, samples, templates)
        self._evaluator = Evaluator(self.model, self.settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self.model, self.signal_sample_name, self.settings)

    @property
    def last(self) -> Tested | None:
        """What was evaluated last, on the host and without gradients."""
        return self._evaluator.last

    # A mapping compares by its entries; a session is one thing.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    # -- sizes ------------------------------------------------------------------------------------

    def signal_n_bins(self) -> int:
        """Bins of all channels that have the signal."""
        return self._places.size

    def n_params(self) -> int:
        return self.model.n_params()

    def parameter_init(self) -> list[float]:
        return self.model.suggested_init()

    @property
    def nominal(self) -> torch.Tensor:
        """The signal of the model, float64 on the host, shape (n_bins,)."""
        return torch.tensor(self._places.nominal)

    @property
    def _description(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "signal_sample_name": self.signal_sample_name,
            "n_bins": self.signal_n_bins(),
            "n_params": self.n_params(),
            "parameter_names": self.model.parameter_names(),
            "parameter_init": self.parameter_init(),
            "device": self.device,
        }

    def __getitem__(self, key: str) -> Any:
        return self._description[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._description)

    def __len__(self) -> int:
        return len(self._description)

    def __repr__(self) -> str:
        return (
            f"<Session of {self.signal_sample_name!r}: {self.signal_n_bins()} bins, {self.model}>"
        )

    # -- quantities -------------------------------------------------------------------------------

    def __call__(self, inputs: Inputs, loss: str = "q0", **arguments: Any) -> torch.Tensor:
        """A quantity by its name; see the method of this name."""
        if loss not in LOSSES:
            raise InputError.unknown("`loss`", loss, LOSSES)
        return getattr(self, loss)(inputs, **arguments)

    def q0(self, inputs: Inputs, *, data: DataKind | None = None) -> torch.Tensor:
        """Test statistic of discovery; 0 with a gradient of 0 where the best fit is negative."""
        return self.test(inputs, "q0", data=data).value

    def z0(self, inputs: Inputs, *, data: DataKind | None = None) -> torch.Tensor:
        """Significance, below 0 where the best fit is, with a gradient everywhere."""
        return self.test(inputs, "z0", data=data).value

    def qmu(
        self, inputs: Inputs, mu: float | torch.Tensor, *, data: DataKind | None = None
    ) -> torch.Tensor:
        """Test statistic of exclusion; 0 with a gradient of 0 where the best fit is above `mu`."""
        return self.test(inputs, "qmu", mu, data=data).value

    def zmu(
        self, inputs: Inputs, mu: float | torch.Tensor, *, data: DataKind | None = None
    ) -> torch.Tensor:
        """Root of q_mu, below 0 where the best fit is above `mu`, with a gradient everywhere."""
        return self.test(inputs, "zmu", mu, data=data).value

    def mu_hat(self, inputs: Inputs, *, data: DataKind | None = None) -> torch.Tensor:
        """Best fit of the parameter of interest, which may be negative."""
        return self.test(inputs, "mu_hat", data=data).value

    def sigma_mu(self, inputs: Inputs, *, data: DataKind | None = None) -> torch.Tensor:
        """Standard deviation of the best fit; NaN where that is at a bound."""
        return self.test(inputs, "sigma_mu", data=data).value

    def limit(
        self, inputs: Inputs, *, alpha: float = 0.05, data: DataKind | None = None
    ) -> torch.Tensor:
        """Observed upper limit, where CLs is `alpha`; NaN where there is none."""
        return self._excluded(inputs, "limit", 0.0, 0, alpha, data)

    def expected_limit(
        self,
        inputs: Inputs,
        *,
        alpha: float = 0.05,
        n_sigma: int = 0,
        data: DataKind | None = None,
    ) -> torch.Tensor:
        """Expected upper limit; NaN where there is none.

        Parameters
        ----------
        n_sigma : {-2, -1, 0, 1, 2}
            Upward fluctuation of the best fit.
        data : {"observed", "asimov"}, optional
            Whether the background is expected at the fit to the observed counts, or at the start of
            all parameters.
        """
        return self._excluded(inputs, "expected_limit", 0.0, n_sigma, alpha, data)

    def cls(
        self, inputs: Inputs, mu: float | torch.Tensor, *, data: DataKind | None = None
    ) -> torch.Tensor:
        """CLs of the observed counts at `mu`."""
        return self._excluded(inputs, "cls", mu, 0, 0.05, data)

    def expected_cls(
        self,
        inputs: Inputs,
        mu: float | torch.Tensor,
        *,
        n_sigma: int = 0,
        data: DataKind | None = None,
    ) -> torch.Tensor:
        """CLs that is expected at `mu`; arguments as in `expected_limit`."""
        return self._excluded(inputs, "expected_cls", mu, n_sigma, 0.05, data)

    def nll(self, inputs: Inputs, params: torch.Tensor | None = None) -> torch.Tensor:
        """Minus the log-likelihood of the observed counts, with all constants.

        Parameters
        ----------
        params : tensor, shape (..., n_params), optional
            Differentiable too; the start of all parameters if left out.
        """
        if params is None:
            params = torch.tensor(self.parameter_init(), dtype=torch.float64)
        count = self.n_params()
        if params.ndim == 0 or params.shape[-1] != count:
            raise InputError(f"`params` has shape {tuple(params.shape)}; expected (..., {count})")
        return self._evaluate(self._given(inputs), on_host(params), "nll", "observed").value

    def test(
        self,
        inputs: Inputs,
        quantity: str = "q0",
        mu: float | torch.Tensor = 0.0,
        *,
        data: DataKind | None = None,
    ) -> Tested:
        """A quantity together with its best fits and flags.

        Parameters
        ----------
        quantity : {"q0", "z0", "qmu", "zmu", "mu_hat", "sigma_mu"}
        mu : float or tensor, shape (...)
            Tested values of q_mu and Z_mu; broadcast against the rows of the inputs, and
            differentiable.
        data : {"observed", "asimov"}, optional
            Instead of the session's.
        """
        if quantity not in TESTS:
            raise InputError.unknown("`quantity`", quantity, tuple(TESTS))
        if quantity not in ("qmu", "zmu"):
            mu = 0.0
        points = tested_values(mu)[..., None]
        return self._evaluate(self._given(inputs), points, quantity, self._data(inputs, data))

    def _excluded(
        self,
        inputs: Inputs,
        kind: str,
        mu: float | torch.Tensor,
        n_sigma: int,
        alpha: float,
        data: DataKind | None,
    ) -> torch.Tensor:
        tested = tested_values(mu)
        if tested.requires_grad:
            raise InputError("CLs has no derivative with respect to `mu` here; pass mu.detach()")
        points = torch.stack([tested, torch.full_like(tested, float(n_sigma))], dim=-1)
        chosen = self._data(inputs, data)
        if chosen == "asimov" and not kind.startswith("expected"):
            raise InputError(
                f"`{kind}` needs observed counts; found data='asimov'",
                hint=f"use expected_{kind}, or pass data='observed'",
            )
        given = self._given(inputs)
        return self._evaluate(given, points, f"{kind} {float(alpha)!r}", chosen).value

    def _data(self, inputs: Inputs, data: DataKind | None) -> DataKind:
        data = data or self.settings.data
        if data is not None:
            return data
        counts = isinstance(inputs, Mapping) and any(len(key) == 1 for key in inputs)
        return "asimov" if isinstance(inputs, Mapping) and not counts else "observed"

    def _given(self, inputs: Inputs) -> Given:
        if isinstance(inputs, Mapping):
            return together(inputs)
        if not isinstance(inputs, torch.Tensor):
            raise TypeError(f"expected a tensor of the signal; found a {type(inputs).__name__}")
        size = self.signal_n_bins()
        if inputs.ndim == 0 or inputs.shape[-1] != size:
            raise InputError(
                f"the signal has shape {tuple(inputs.shape)}; expected (..., {size}): "
                f"{size} bins of {self.signal_sample_name!r}"
            )
        values = self._places.values(on_host(inputs))
        return Given(self._places.text, values, result_type(inputs.dtype), inputs.device)

    def _evaluate(self, given: Given, points: torch.Tensor, quantity: str, data: str) -> Tested:
        """Rows through the operator: of the broadcast shape of inputs and points."""
        rows = broadcast(given.values.shape[:-1], points.shape[:-1])
        vectors = rows_of(given.values, rows)
        found = evaluate(
            vectors,
            rows_of(points, rows),
            self._evaluator.number,
            given.keys,
            quantity,
            data,
            points.requires_grad,
        )
        value, _, _, mu_hat, flags = found
        return Tested(
            value.reshape(rows).to(device=given.device, dtype=given.dtype),
            mu_hat.detach().reshape(rows).to(device=given.device, dtype=given.dtype),
            flags.reshape(rows).to(device=given.device),
        )

    # -- memory by its address --------------------------------------------------------------------

    def nll_grad_signal(
        self,
        params: Any,
        signal_ptr: int | torch.Tensor,
        grad_signal_ptr: int | torch.Tensor,
    ) -> float:
        """Minus the log-likelihood; its gradient is written to memory.

        Parameters
        ----------
        params : array-like, shape (n_params,)
        signal_ptr, grad_signal_ptr : int or tensor
            ``tensor.data_ptr()`` of contiguous float64 tensors of (n_bins,) on `device`, or the
            tensors, which are checked.
        """
        signal = self._signal_at("signal_ptr", signal_ptr)
        target = self._signal_at("grad_signal_ptr", grad_signal_ptr)
        at = torch.as_tensor(np.asarray(params, dtype=np.float64))
        value, gradient = _with_gradient(signal, lambda x: self.nll(x, at))
        target.copy_(gradient)
        return value

    def profiled_q0_and_grad(self, signal_ptr: int | torch.Tensor) -> tuple[float, list[float]]:
        """q0 and its gradient; `signal_ptr` as in `nll_grad_signal`."""
        value, gradient = _with_gradient(self._signal_at("signal_ptr", signal_ptr), self.q0)
        return value, gradient.tolist()

    def profiled_qmu_and_grad(
        self, mu_test: float, signal_ptr: int | torch.Tensor
    ) -> tuple[float, list[float]]:
        """q_mu at `mu_test` and its gradient; `signal_ptr` as in `nll_grad_signal`."""
        signal = self._signal_at("signal_ptr", signal_ptr)
        value, gradient = _with_gradient(signal, lambda x: self.qmu(x, mu_test))
        return value, gradient.tolist()

    def _signal_at(self, what: str, given: int | torch.Tensor) -> torch.Tensor:
        return tensor_at(what, given, self.signal_n_bins(), self.device)


#: Names of the reference: what they did apart, one class does.
DifferentiableSession = Session
ProfiledDifferentiableSession = Session


def _make(model: HistFactoryModel, sample: str | Sequence[str], settings: Settings) -> Session:
    return Session(model, sample, **asdict(settings))


def _with_gradient(signal: torch.Tensor, compute: Any) -> tuple[float, torch.Tensor]:
    leaf = signal.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = compute(leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
    return float(value.detach()), gradient
