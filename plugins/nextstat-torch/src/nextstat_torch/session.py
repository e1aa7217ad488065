"""A model whose inputs are tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer import InputTests
from nextstat_core.models import HistFactoryModel, ModelInputs
from nextstat_torch.given import Given, SignalPlaces, decode, on_host, result_type, together
from nextstat_torch.operator import evaluate, register
from nextstat_torch.quantities import Flag, Found, nll_of_rows, of_rows, significance, statistic
from nextstat_torch.tensors import tensor_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer import FitOptions
    from nextstat_core.ir import InputKey

__all__ = [
    "DataKind",
    "DifferentiableSession",
    "ProfiledDifferentiableSession",
    "Session",
    "Tested",
]

DataKind: TypeAlias = Literal["observed", "asimov"]
Inputs: TypeAlias = "torch.Tensor | Mapping[InputKey, torch.Tensor]"
Quantity: TypeAlias = Literal["q0", "z0", "qmu", "zmu", "nll"]
_QUANTITIES = ("q0", "z0", "qmu", "zmu", "nll")


class Tested(NamedTuple):
    """Rows that were evaluated.

    Attributes
    ----------
    value : tensor, shape (...)
        Differentiable with respect to the inputs.
    mu_hat : tensor, shape (...)
        Best fit of the parameter of interest, without gradient; NaN where nothing was fitted.
    flags : int64 tensor, shape (...)
        Bits of `Flag`; 0 where there is nothing special.
    """

    value: torch.Tensor
    mu_hat: torch.Tensor
    flags: torch.Tensor


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
    signal_sample_name : str
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

    Attributes
    ----------
    last : Tested or None
        What was evaluated last, on the host and without gradients.

    Raises
    ------
    InputError
        If the model is no HistFactory model or has no such sample, or an argument is unknown.
    """

    def __init__(
        self,
        model: HistFactoryModel,
        signal_sample_name: str = "signal",
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
        self._arguments = {
            "device": device, "templates": templates, "data": data,
            "test_stat": test_stat, "strict": strict, "options": options,
        }  # fmt: skip
        if data not in (None, "observed", "asimov"):
            raise InputError.unknown("`data`", data, ["observed", "asimov"])
        if test_stat not in ("qtilde", "q"):
            raise InputError.unknown("`test_stat`", test_stat, ["qtilde", "q"])
        self.model = _moved(model, device)
        self.signal_sample_name = signal_sample_name
        self.device = torch.device(str(getattr(self.model.backend, "device", "cpu")))
        self.last: Tested | None = None
        self._places = SignalPlaces(self.model.ir, signal_sample_name, templates)
        self._inputs: dict[str, ModelInputs] = {}
        self._tests: dict[tuple[str, str, str], InputTests] = {}
        self._number = register(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self.model, self.signal_sample_name, self._arguments)

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

    def __call__(self, inputs: Inputs, loss: Quantity = "q0", **arguments: Any) -> torch.Tensor:
        """A quantity by its name; see the method of this name."""
        if loss not in _QUANTITIES:
            raise InputError.unknown("`loss`", loss, _QUANTITIES)
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
        quantity: Quantity = "q0",
        mu: float | torch.Tensor = 0.0,
        *,
        data: DataKind | None = None,
    ) -> Tested:
        """A quantity together with its best fits and flags.

        Parameters
        ----------
        quantity : {"q0", "z0", "qmu", "zmu"}
        mu : float or tensor, shape (...)
            Tested values of q_mu and Z_mu; broadcast against the rows of the inputs, and
            differentiable.
        data : {"observed", "asimov"}, optional
            Instead of the session's.
        """
        if quantity not in _QUANTITIES[:4]:
            raise InputError.unknown("`quantity`", quantity, _QUANTITIES[:4])
        if quantity in ("q0", "z0"):
            mu = 0.0
        given = self._given(inputs)
        values = mu if isinstance(mu, torch.Tensor) else torch.tensor(mu, dtype=torch.float64)
        points = on_host(values)[..., None]
        return self._evaluate(given, points, quantity, self._data(inputs, data))

    def _data(self, inputs: Inputs, data: DataKind | None) -> str:
        data = data or self._arguments["data"]
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
        rows = torch.broadcast_shapes(given.values.shape[:-1], points.shape[:-1])
        vectors = _rows(given.values, rows)
        found = evaluate(vectors, _rows(points, rows), self._number, given.keys, quantity, data)
        value, _, _, mu_hat, flags = found
        return Tested(
            value.reshape(rows).to(device=given.device, dtype=given.dtype),
            mu_hat.detach().reshape(rows).to(device=given.device, dtype=given.dtype),
            flags.reshape(rows).to(device=given.device),
        )

    # -- what the operator calls ------------------------------------------------------------------

    def found(
        self,
        keys: str,
        quantity: str,
        data: str,
        vectors: NDArray[np.float64],
        points: NDArray[np.float64],
    ) -> Found:
        """A quantity of rows with its derivatives, on the host.

        Raises
        ------
        InputError, ModelError
            If inputs cannot be used.
        FitError
            If the session is strict and a fit did not converge.
        """
        inputs = self._inputs_of(keys)
        _check(vectors, points, inputs)
        together = all(entry.kind in ("nominal", "data") for entry in inputs.entries)
        if quantity == "nll":
            result = of_rows(
                lambda x, at: nll_of_rows(inputs, x, at), vectors, points, together=together
            )
        else:
            tests = self._tests_of(keys, quantity, data)
            compute = significance if quantity.startswith("z") else statistic
            result = of_rows(
                lambda x, at: compute(tests, x, at), vectors, points, together=together
            )
        self.last = Tested(*map(torch.from_numpy, (result.value, result.mu_hat, result.flags)))
        if self._arguments["strict"]:
            _refuse_unconverged(result)
        return result

    def _inputs_of(self, keys: str) -> ModelInputs:
        if keys not in self._inputs:
            self._inputs[keys] = ModelInputs(self.model, decode(keys))
        return self._inputs[keys]

    def _tests_of(self, keys: str, quantity: str, data: str) -> InputTests:
        name = "q0" if quantity in ("q0", "z0") else self._arguments["test_stat"]
        if (keys, name, data) not in self._tests:
            inputs = self._inputs_of(keys)
            if data == "asimov" and any(entry.kind == "data" for entry in inputs.entries):
                raise InputError("observed counts are among the inputs, and data='asimov'")
            self._tests[keys, name, data] = InputTests(
                inputs, test_stat=name, data=data, options=self._arguments["options"]
            )
        return self._tests[keys, name, data]

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


def _make(model: HistFactoryModel, sample: str, arguments: dict[str, Any]) -> Session:
    return Session(model, sample, **arguments)


def _moved(model: HistFactoryModel, device: str) -> HistFactoryModel:
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


def _rows(values: torch.Tensor, rows: torch.Size) -> torch.Tensor:
    """Rows (n, size), or one (1, size) that all share."""
    if values.shape[:-1].numel() == 1:
        return values.reshape(1, -1)
    return values.expand(*rows, values.shape[-1]).reshape(-1, values.shape[-1])


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


def _with_gradient(signal: torch.Tensor, compute: Any) -> tuple[float, torch.Tensor]:
    leaf = signal.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = compute(leaf)
        (gradient,) = torch.autograd.grad(value, leaf)
    return float(value), gradient
