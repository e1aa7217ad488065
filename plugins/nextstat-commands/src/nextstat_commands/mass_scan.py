"""``nextstat mass-scan``: limits of many signals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.analysis import Analysis, with_analysis
from nextstat_commands.executors import executor_option, running
from nextstat_commands.options import alpha_option, asimov_option, test_stat_option
from nextstat_commands.output import Display, figure
from nextstat_commands.progress import progress_bar
from nextstat_core.errors import FormatError, InputError

if TYPE_CHECKING:
    from nextstat_core.io import Patchset
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import MassScan

__all__ = ["command"]

_NO_EFFECT = "Accepted, without effect: limits are searched."


@click.command("mass-scan")
@with_analysis(also=("--workspaces-dir",))
@click.option("--patchset", metavar="FILE", help="Signals as patches of WORKSPACE.")
@click.option("--names", metavar="NAMES", help="Patches to use: m_900,m_1000; default: all.")
@click.option("--labels", metavar="NAMES", help="Names of the workspaces of a folder, in order.")
@click.option(
    "--cross-sections", metavar="FILE", help="JSON: what a signal of one stands for, by name."
)
@alpha_option
@test_stat_option
@asimov_option
@click.option("--scan-start", type=float, default=0.0, help=_NO_EFFECT)
@click.option("--scan-stop", type=float, default=5.0, help=_NO_EFFECT)
@click.option("--scan-points", type=click.IntRange(2), default=41, help=_NO_EFFECT)
@executor_option
def command(
    analysis: Analysis,
    *,
    patchset: str | None,
    names: str | None,
    labels: str | None,
    cross_sections: str | None,
    scan_start: float,
    scan_stop: float,
    scan_points: int,
    executor: str | None,
    **test: Any,
) -> None:
    """Upper limits of many signals.

    WORKSPACE is the background of a patchset, or a folder with one workspace per signal.
    """
    del scan_start, scan_stop, scan_points
    folder = Path(analysis.source.workspace)
    if folder.is_dir() == (patchset is not None):
        raise click.UsageError("WORKSPACE is a folder, or --patchset names signals for it")
    background: Any = {}
    signals: Any = patchset
    if patchset is None:
        signals = _patchset_of(folder, labels)
    elif labels is not None:
        raise click.UsageError("--labels names the workspaces of a folder, not patches")
    else:
        background = analysis.source.document()
    models = _Models(analysis)
    from nextstat_core.infer import mass_scan

    with running(executor) as pool, progress_bar("signals") as progress:
        result = mass_scan(
            background,
            signals,
            names=None if names is None else names.split(","),
            cross_sections=None if cross_sections is None else _numbers(cross_sections),
            make=models.make,
            executor=pool,
            progress=progress,
            **analysis.parameters.request(()),
            **test,
        )
    if models.last is None:
        raise InputError(f"no signal can be used: {next(iter(result.errors.values()))}")
    data = {
        "command": "mass_scan",
        **result.to_dict(),
        "mass_points": _points(result),
        "n_mass_points": len(result.names),
        "wall_time_s": analysis.watch.elapsed,
    }
    del data["points"]
    analysis.finish(result, data, _display(result), model=models.last)


@dataclass(slots=True)
class _Models:
    """Makes the models of all signals; the last one says where they are evaluated."""

    analysis: Analysis
    last: HistFactoryModel | None = None

    def make(self, document: Any, **options: Any) -> HistFactoryModel:
        from nextstat_core.models import HistFactoryModel

        how = {**self.analysis.source.choices(), **self.analysis.place.model_options()}
        self.last = HistFactoryModel.from_workspace(document, **how, **options)
        return self.last


def _patchset_of(folder: Path, labels: str | None) -> Patchset:
    """The workspaces of a folder, in the order of their names, as a patchset of an empty one."""
    from nextstat_core.io import Patch, Patchset, decode, read_text

    files = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")))
    names = [path.name.partition(".json")[0] for path in files]
    if labels is not None:
        names = labels.split(",")
    if len(names) != len(files):
        raise InputError.length("--labels", expected=len(files), found=len(names))
    if not files:
        raise InputError(f"the folder {str(folder)!r} holds no workspace: no file *.json")
    patches = [
        Patch(name, (), [{"op": "replace", "path": "", "value": decode(read_text(path)).usable()}])
        for name, path in zip(names, files, strict=True)
    ]
    return Patchset((), tuple(patches))


def _numbers(path: str) -> dict[str, float]:
    """Numbers by name from a JSON file."""
    from nextstat_core.io import read_text

    try:
        content = json.loads(read_text(path))
        return {name: float(value) for name, value in content.items()}
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise FormatError(f"{path!r} holds no numbers by name of signals: {error}") from error


def _points(result: MassScan) -> list[dict[str, Any]]:
    """Points with the keys of the reference."""
    points = []
    for index, point in enumerate(result.to_dict()["points"]):
        limit = result.limits.get(point["name"])
        more = {
            "index": index,
            "label": point["name"],
            "mu_hat": None if limit is None else limit.mu_hat,
            "converged": limit is not None and limit.converged,
        }
        points.append({**point, **more})
    return points


def _display(result: MassScan) -> Display:
    from nextstat_core.tables import Table

    columns = ("signal", *result.value_names, "observed", "-2 sigma", "-1 sigma", "expected")
    rows = []
    for point in _points(result):
        bands = point["exp_limits"] or [None] * 5
        rows.append(
            (
                point["name"],
                *(f"{value:g}" if isinstance(value, float) else value for value in point["values"]),
                *map(figure, (point["obs_limit"], *bands)),
                (point["error"] or "").partition("\n")[0],
            )
        )
    columns = (*columns, "+1 sigma", "+2 sigma", "error")
    align = "l" + "r" * (len(columns) - 2) + "l"
    return Display(
        f"Upper limits at {100.0 * (1.0 - result.alpha):g} % CL", Table(columns, align, rows)
    )
