"""The training of a network, in PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from nextstat_core.errors import FitError, InputError
from nextstat_distill.network import MLPSurrogate
from nextstat_distill.quadratic import QuadraticForm
from nextstat_distill.report import SurrogateReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nextstat_distill.dataset import SurrogateDataset

__all__ = ["Settings", "train"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of `train_mlp_surrogate`, which explains them; bad ones are refused."""

    hidden_layers: tuple[int, ...]
    epochs: int
    lr: float
    grad_weight: float
    device: str
    batch_size: int
    val_fraction: float
    seed: int
    nll_reference: float | None
    quadratic: bool

    def __post_init__(self) -> None:
        numbers = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            **{f"hidden_layers[{i}]": width for i, width in enumerate(self.hidden_layers)},
        }
        for what, value in numbers.items():
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"`{what}` is {value!r}; expected an integer above zero")
        if not self.hidden_layers:
            raise InputError("`hidden_layers` is empty; expected at least one width")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise InputError(f"`lr` is {self.lr}; expected a finite number above zero")
        if not (math.isfinite(self.grad_weight) and self.grad_weight >= 0):
            raise InputError(f"`grad_weight` is {self.grad_weight}; expected zero or more")
        if not 0 < self.val_fraction < 1:
            raise InputError(f"`val_fraction` is {self.val_fraction}; expected above 0, below 1")
        if not isinstance(self.seed, int | np.integer) or not 0 <= self.seed < 2**63:
            raise InputError(f"`seed` is {self.seed!r}; expected an integer of at least 0")
        if self.nll_reference is not None and not math.isfinite(self.nll_reference):
            raise InputError(f"`nll_reference` is {self.nll_reference}; expected a finite number")


@dataclass(frozen=True, slots=True)
class _Sample:
    """Standardised points on the device, float32; `slope` is None without gradients."""

    x: torch.Tensor
    y: torch.Tensor
    slope: torch.Tensor | None

    def at(self, rows: torch.Tensor) -> _Sample:
        slope = None if self.slope is None else self.slope[rows]
        return _Sample(self.x[rows], self.y[rows], slope)


def train(ds: SurrogateDataset, settings: Settings) -> MLPSurrogate:
    """Train a surrogate; see `train_mlp_surrogate`."""
    held_out = max(1, round(ds.n_samples * settings.val_fraction))
    if ds.n_samples - held_out < 2:
        raise InputError(
            f"{ds.n_samples} points with {held_out} held out leave too few; expected two or more"
        )
    device = _usable(settings.device)
    order = np.random.default_rng(settings.seed).permutation(ds.n_samples)
    training, kept = order[held_out:], order[:held_out]
    network = _new_network(ds, settings)
    form = _standardise(network, ds, training, quadratic=settings.quadratic)
    network.to(device)
    sample = _sample(network, ds, training, form, device)
    _descend(network, sample, settings)
    network.eval()
    network.requires_grad_(requires_grad=False)
    network.report = _report(network, ds, kept, settings, n_train=len(training))
    return network


def _usable(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(
            f"`device` is {name!r}, which cannot be used: {first}",
            hint='device="cpu" always can; others need float64',
        ) from error
    return device


def _new_network(ds: SurrogateDataset, settings: Settings) -> MLPSurrogate:
    """First weights from the seed, made on the host; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        return MLPSurrogate(ds.parameter_names, ds.parameter_bounds, settings.hidden_layers)


def _standardise(
    network: MLPSurrogate, ds: SurrogateDataset, rows: NDArray[np.int64], *, quadratic: bool
) -> QuadraticForm:
    """Shifts, scales, and the quadratic form in standardised parameters."""
    points, nll = ds.parameters[rows], ds.nll[rows]
    shift, scale = points.mean(axis=0), _scale(points)
    x, form = (points - shift) / scale, QuadraticForm.none(points.shape[1])
    if quadratic and ds.has_gradient:
        form = QuadraticForm.nearest(x, ds.gradient[rows] * scale)
    left = nll - form.value(x)
    # Of what is left over, rounding errors of the whole are no part to learn.
    left_scale = max(left.std(), 1e-12 * np.abs(nll).max()) or 1.0
    for buffer, value in (
        (network.parameter_shift, shift),
        (network.parameter_scale, scale),
        (network.nll_shift, left.mean()),
        (network.nll_scale, left_scale),
        (network.quadratic_linear, form.linear),
        (network.quadratic_matrix, form.matrix),
    ):
        buffer.copy_(torch.as_tensor(value))
    return form


def _scale(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations; one where nothing varies: for parameters that are held."""
    spread = columns.std(axis=0)
    # The deviation of equal numbers may be some rounding errors.
    varies = spread > 1e-12 * np.abs(columns).max(axis=0)
    return np.where(varies, spread, 1.0)


def _sample(
    network: MLPSurrogate,
    ds: SurrogateDataset,
    rows: NDArray[np.int64],
    form: QuadraticForm,
    device: torch.device,
) -> _Sample:
    """What is left for the layers to learn."""
    shift, scale = network.parameter_shift.cpu().numpy(), network.parameter_scale.cpu().numpy()
    nll_shift, nll_scale = float(network.nll_shift), float(network.nll_scale)

    def on_device(array: NDArray[np.float64]) -> torch.Tensor:
        return torch.as_tensor(array.astype(np.float32), device=device)

    x, slope = (ds.parameters[rows] - shift) / scale, None
    if ds.has_gradient:
        slope = on_device((ds.gradient[rows] * scale - form.slope(x)) / nll_scale)
    return _Sample(
        on_device(x), on_device((ds.nll[rows] - form.value(x) - nll_shift) / nll_scale), slope
    )


def _batches(count: int, settings: Settings) -> Iterator[torch.Tensor]:
    """Rows of each step, on the host, in an order that the seed decides."""
    size = max(1, min(settings.batch_size, count // 10))
    generator = torch.Generator().manual_seed(settings.seed)
    for _ in range(settings.epochs):
        yield from torch.split(torch.randperm(count, generator=generator), size)


def _descend(network: MLPSurrogate, sample: _Sample, settings: Settings) -> None:
    batches = list(_batches(len(sample.y), settings))
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=len(batches))
    for step, rows in enumerate(batches):
        optimiser.zero_grad()
        loss = _loss(network, sample.at(rows.to(sample.y.device)), settings.grad_weight)
        if not math.isfinite(loss.item()):
            raise FitError(
                f"training failed: the loss is {loss.item()} in step {step + 1} of {len(batches)}"
                "\n\nHint: a smaller `lr`, or narrower bounds of the dataset"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _loss(network: MLPSurrogate, batch: _Sample, grad_weight: float) -> torch.Tensor:
    if batch.slope is None or grad_weight == 0:
        return torch.nn.functional.mse_loss(network.standardised(batch.x), batch.y)
    x = batch.x.requires_grad_()
    value = network.standardised(x)
    (slope,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    of_value = torch.nn.functional.mse_loss(value, batch.y)
    return of_value + grad_weight * torch.nn.functional.mse_loss(slope, batch.slope)


def _report(
    network: MLPSurrogate,
    ds: SurrogateDataset,
    rows: NDArray[np.int64],
    settings: Settings,
    *,
    n_train: int,
) -> SurrogateReport:
    predicted, errors = [], []
    scale = network.parameter_scale.cpu().numpy()
    for block in np.array_split(rows, math.ceil(len(rows) / 4096)):
        x = torch.as_tensor(ds.parameters[block], device=network.bounds.device).requires_grad_()
        value = network(x)
        predicted.append(value.detach().cpu().numpy())
        if ds.has_gradient:
            (slope,) = torch.autograd.grad(value.sum(), x)
            errors.append((slope.cpu().numpy() - ds.gradient[block]) * scale)
    reference = settings.nll_reference
    return SurrogateReport.compare(
        ds.nll[rows],
        np.concatenate(predicted),
        np.concatenate(errors) if errors else np.empty((0, 0)),
        n_train=n_train,
        nll_reference=float(ds.nll.min()) if reference is None else float(reference),
        nll_spread=float(np.delete(ds.nll, rows).std()),
    )
