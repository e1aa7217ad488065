"""``nextstat compare-pyhf``: one likelihood, two programs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.loading import backend_options, load_backend, source_options
from nextstat_commands.output import write_json
from nextstat_core.errors import InputError, NextstatError

if TYPE_CHECKING:
    import numpy as np

    from nextstat_commands.loading import Source
    from nextstat_core.models import HistFactoryModel

__all__ = ["command"]

#: The rounding of pyhf's own sums stays well below this, relative to the value; and that of sums
#: of a backend without float64 below the other.
_TOLERANCE, _TOLERANCE_FLOAT32 = 1e-10, 1e-4


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Values of both at one point."""

    point: str
    ours: float
    theirs: float
    tolerance: float

    @property
    def difference(self) -> float:
        return abs(self.ours - self.theirs)

    @property
    def agrees(self) -> bool:
        """Whether the values agree; where pyhf has none there is nothing to compare."""
        if not isfinite(self.theirs):
            return True
        return self.difference <= self.tolerance * max(1.0, abs(self.theirs))

    def as_dict(self) -> dict[str, Any]:
        comparable = isfinite(self.theirs)
        return {
            "point": self.point,
            "nextstat": self.ours,
            "pyhf": self.theirs if comparable else None,
            "difference": self.difference if comparable else None,
            "agrees": self.agrees,
        }


@click.command("compare-pyhf")
@source_options("measurement")
@backend_options
@click.option("--points", type=click.IntRange(0), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    source: Source,
    backend: str,
    device: str | None,
    points: int,
    seed: int,
    as_json: bool,
) -> None:
    """Compare the likelihood of WORKSPACE with that of pyhf.

    Both are evaluated at the start values and at random points around them. The exit code is 1 if
    they differ by more than 1e-10 (1e-4 on a backend without float64), relative to the value where
    that is above 1.
    """
    from nextstat_core.backend import Capability
    from nextstat_core.models import HistFactoryModel

    document, measurement = source.document(), source.measurement
    model = HistFactoryModel.from_workspace(
        document, measurement=measurement, poi=None, backend=load_backend(backend, device)
    )
    _refuse_plugins(model)
    wide = Capability.FLOAT64 in model.backend.capabilities
    tolerance = _TOLERANCE if wide else _TOLERANCE_FLOAT32
    reference = _Reference(document, measurement)
    found = [
        _Comparison(label, model.nll(point), reference.nll(model, point), tolerance)
        for label, point in _points(model, points, seed)
    ]
    if as_json:
        summary = {
            "backend": model.backend.name,
            "device": model.backend.device_name,
            "tolerance": tolerance,
            "points": [each.as_dict() for each in found],
        }
        write_json(summary, "-")
    else:
        click.echo("\n".join(map(_line, found)))
    if not all(each.agrees for each in found):
        raise InputError("the likelihoods of nextstat and pyhf differ")


def _refuse_plugins(model: HistFactoryModel) -> None:
    """Modifiers of plugins have nothing to be compared with."""
    from nextstat_core.ir import PluginModifier
    from nextstat_core.ir.place import at_modifier

    for channel in model.ir.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                if isinstance(modifier, PluginModifier):
                    place = at_modifier(channel.name, sample.name, modifier.name, modifier.kind)
                    raise InputError(
                        f"{place}: pyhf does not know this type; a plugin defines it",
                        hint="compare the workspace without the modifiers of this type",
                    )


class _Reference:
    """The model of pyhf."""

    def __init__(self, document: Any, measurement: str | None) -> None:
        try:
            import pyhf  # type: ignore[import-untyped]  # noqa: TID251  on request of the user
        except ModuleNotFoundError as error:
            raise NextstatError(
                "this command needs pyhf\n\nHint: python -m pip install pyhf"
            ) from error
        try:
            workspace = pyhf.Workspace(document)
            self._model = workspace.model(measurement_name=measurement, poi_name=None)
            self._data = workspace.data(self._model)
        except Exception as error:
            message = f"pyhf refuses the workspace: {type(error).__name__}: {error}"
            raise InputError(message) from error

    def nll(self, model: HistFactoryModel, point: np.ndarray) -> float:
        """Minus pyhf's logarithm of the likelihood at our parameters; NaN where rates vanish."""
        import numpy as np

        if _has_continuation(model, point):
            return np.nan
        with np.errstate(all="ignore"):
            value = self._model.logpdf(point[model.pyhf_order()], self._data)
        return -float(np.asarray(value).reshape(-1)[0])


def _points(model: HistFactoryModel, count: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """Start values, and draws from the constraints; free parameters vary by a quarter."""
    import numpy as np

    layout = model.compiled.layout
    start = np.array(model.suggested_init())
    spread = 0.25 * np.maximum(np.abs(start), 0.1)
    spread[layout.gaussian] = layout.width
    spread[layout.poisson] = np.sqrt(layout.count) / layout.factor
    lower = np.array(model.parameter_bounds_lo())
    upper = np.array(model.parameter_bounds_hi())
    rng = np.random.default_rng(seed)
    drawn = [np.clip(rng.normal(start, spread), lower, upper) for _ in range(count)]
    return [("init", start), *((f"random {i}", point) for i, point in enumerate(drawn, 1))]


def _has_continuation(model: HistFactoryModel, point: np.ndarray) -> bool:
    """Whether a rate is so small that nextstat continues the likelihood smoothly."""
    import numpy as np

    compiled = model.compiled
    floor = compiled.backend.to_numpy(compiled.to_main(compiled.floor))[:, 0]
    expected = np.array(model.expected_data(point, include_auxdata=False))
    return bool(np.any((expected < floor) & (model.observed_main > 0.0)))


def _line(each: _Comparison) -> str:
    if not isfinite(each.theirs):
        return f"{each.point:<10} nextstat {each.ours:.12g}   not compared: a rate is not positive"
    verdict = "agrees" if each.agrees else "DIFFERS"
    return (
        f"{each.point:<10} nextstat {each.ours:.12g}   pyhf {each.theirs:.12g}   "
        f"difference {each.difference:.1e}   {verdict}"
    )
