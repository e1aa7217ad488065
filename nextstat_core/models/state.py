"""One version of a HistFactory model: plain data, compiled likelihood and observed counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.backend import Capability
from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_core.ir import pyhf_auxdata_order
from nextstat_core.likelihood import compile_model
from nextstat_core.models.main_data import MainBins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.backend import Backend
    from nextstat_core.ir import Model
    from nextstat_core.likelihood import CompiledModel, Observations
    from nextstat_core.typing import ArrayLike

__all__ = ["ModelState", "make_state"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """Everything that changes together; replaced as a whole, so that threads see one version.

    Attributes
    ----------
    variants : dict of (bool, bool) to CompiledModel
        By where (False: the model's backend, True: the host beside it) and by sums (False: plain,
        True: compensated); made when they are first asked for.
    main : float array, shape (n_main,)
        Observed counts, read-only.
    data, constant
        The same on the backend, and what completes the likelihood.
    aux_order : tuple of int
        Constrained parameters in pyhf's order of auxiliary data.
    """

    ir: Model
    variants: dict[tuple[bool, bool], CompiledModel]
    bins: MainBins
    main: NDArray[np.float64]
    data: Observations
    constant: float
    aux_order: tuple[int, ...]

    @property
    def plain(self) -> CompiledModel:
        """The likelihood with plain sums."""
        return self.variants[False, False]

    def compiled(self, *, precise: bool, on_host: bool = False) -> CompiledModel:
        """Return the likelihood with compensated (`precise`) or plain sums.

        `on_host` asks for the one in float64 on the host, see `nextstat_core.backend.Backend.host`;
        where the model lives there already it is the same.
        """
        host = self.plain.backend.host()
        key = (on_host and host is not self.plain.backend, precise)
        if key not in self.variants:
            # Two threads may both get here; each then makes an equal, complete kernel.
            base = self.plain.with_backend(host) if key[0] else self.plain
            self.variants[key] = base.with_precision(precise=precise)
        return self.variants[key]

    def exact(self, *, precise: bool) -> CompiledModel:
        """Return `compiled`, on the host where the backend has no float64."""
        has_all_digits = Capability.FLOAT64 in self.plain.backend.capabilities
        return self.compiled(precise=precise, on_host=not has_all_digits)

    def observing(self, model: Model) -> ModelState:
        """Return the version for `model`, which differs in its observed counts only."""
        main, data, constant = _observed(model, self.plain)
        return replace(self, ir=model, main=main, data=data, constant=constant)

    def on(self, backend: Backend) -> ModelState:
        """Return the same version on another backend; plans of the likelihood are shared."""
        compiled = self.plain.with_backend(backend)
        main, data, constant = _observed(self.ir, compiled)
        variants = {(False, False): compiled}
        return replace(self, variants=variants, main=main, data=data, constant=constant)

    def row_of(self, channel: str, sample: str) -> int:
        """Return the row of a sample in the compiled model.

        Raises
        ------
        InputError
            If channel or sample do not exist.
        """
        names = self.plain.plan.row_names
        channels = list(dict.fromkeys(name for name, _ in names))
        if channel not in channels:
            raise InputError.unknown("channel", channel, channels)
        if (channel, sample) not in names:
            samples = [own for name, own in names if name == channel]
            raise InputError.unknown(f"sample of channel {channel!r}", sample, samples)
        return names.index((channel, sample))

    def observations(
        self, data: ArrayLike | None, compiled: CompiledModel, rows: int
    ) -> Observations:
        """Return the model's own data, or checked `data` for a batch of `rows`."""
        if data is None and compiled.backend is self.plain.backend:
            return self.data
        main = self.main[None, :] if data is None else self.bins.rows(data)
        if len(main) not in {1, rows}:
            raise InputError(f"{len(main)} data sets for {rows} parameter vectors")
        return compiled.observe(compiled.backend.asarray(main.T))


def make_state(model: Model, backend: Backend) -> ModelState:
    """Compile a model."""
    compiled = compile_model(model, backend, modifier_types=get_manager().modifiers)
    main, data, constant = _observed(model, compiled)
    return ModelState(
        ir=model,
        variants={(False, False): compiled},
        bins=MainBins.of(model),
        main=main,
        data=data,
        constant=constant,
        aux_order=pyhf_auxdata_order(model),
    )


def _observed(
    model: Model, compiled: CompiledModel
) -> tuple[NDArray[np.float64], Observations, float]:
    counts = [count for channel in model.sorted_channels() for count in channel.observed]
    main = np.asarray(counts, dtype=np.float64)
    main.flags.writeable = False
    data = compiled.observe(main[:, None])
    return main, data, float(compiled.constant(data)[0])
