"""What all commands that fit have in common: from a workspace to what is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click

from nextstat_commands.assignments import bounds_by_name, fixed_by_name, values_by_name
from nextstat_commands.loading import (
    Source,
    backend_options,
    limit_threads,
    load_backend,
    source_options,
)
from nextstat_commands.output import Display, is_terminal, write_json
from nextstat_commands.timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from nextstat_core.models import HistFactoryModel

__all__ = ["Analysis", "Outputs", "Parameters", "Place", "with_analysis"]

_NOT_CONVERGED = 3


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the user says about parameters."""

    fix: tuple[str, ...] = ()
    init: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()

    def request(self, names: Collection[str]) -> dict[str, Any]:
        """Arguments `fixed`, `init` and `bounds` of functions that fit a model with `names`."""
        return {
            "fixed": fixed_by_name("--fix", self.fix, names),
            "init": values_by_name("--init", self.init),
            "bounds": bounds_by_name("--bounds", self.bounds),
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how the user wants it computed."""

    backend: str = "numpy"
    device: str | None = None
    threads: int = 1
    parity: bool = False

    def model_options(self) -> dict[str, Any]:
        """Arguments of `HistFactoryModel.from_workspace`."""
        return {"backend": load_backend(self.backend, self.device), "precise": self.parity}


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the user wants the result."""

    output: str | None = None
    as_json: bool = False
    json_metrics: str | None = None

    def write(self, data: Mapping[str, Any], display: Display) -> None:
        """Write the result itself, unless standard output is taken by the metrics."""
        free = self.json_metrics != "-"
        if self.output is not None:
            write_json(data, self.output)
        if self.as_json or (self.output is None and free and not is_terminal()):
            write_json(data, "-")
        elif free and is_terminal():
            display.show()


_OPTIONS = (
    click.option("--fix", multiple=True, metavar="NAME[=VALUE]", help="Hold a parameter fixed."),
    click.option("--init", multiple=True, metavar="NAME=VALUE", help="Start value of a parameter."),
    click.option("--bounds", multiple=True, metavar="NAME=LO,HI", help="Bounds of a parameter."),
    backend_options,
    click.option("--threads", type=click.IntRange(1), default=1, show_default=True),
    click.option("--parity", is_flag=True, help="Compensated sums, for comparisons."),
    click.option("-o", "--output", metavar="FILE", help="Write the result as JSON to a file."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON even on a terminal."),
    click.option(
        "--json-metrics",
        metavar="FILE",
        help="Write a summary for trackers; '-' prints it instead of the result.",
    ),
)


@dataclass(frozen=True)
class Analysis:
    """One run of a command: what the user asked for, the model, and what is done with a result."""

    source: Source
    parameters: Parameters
    place: Place
    outputs: Outputs
    watch: Stopwatch = field(default_factory=Stopwatch)

    @cached_property
    def model(self) -> HistFactoryModel:
        """The model, compiled."""
        model = self.source.model(**self.place.model_options())
        self.watch.lap("load")
        return model

    @property
    def request(self) -> dict[str, Any]:
        """Arguments `fixed`, `init` and `bounds` of functions that fit the model."""
        return self.parameters.request(self.model.parameter_names())

    def finish(
        self,
        result: object,
        data: Mapping[str, Any],
        display: Display,
        *,
        model: HistFactoryModel | None = None,
    ) -> None:
        """Write a result: `data` as JSON, `display` on a terminal, metrics where asked for.

        The command ends with another exit code if fits that count did not converge. `model` is what
        was fitted, if not the model itself.
        """
        from nextstat_core.metrics import metrics, plain

        self.watch.lap("fit")
        origin = {**self._origin(model or self.model), **data.get("provenance", {})}
        summary = metrics(
            result, timing=self.watch.timing(), threads=self.place.threads, provenance=origin
        )
        if self.outputs.json_metrics is not None:
            write_json(summary, self.outputs.json_metrics)
        tree, reasons = plain({**data, "provenance": origin})
        tree["null_reasons"] = {**data.get("null_reasons", {}), **reasons}
        self.outputs.write(tree, display)
        if not summary["status"]["converged"]:
            click.echo(f"error: a fit did not converge: {summary['status']['reason']}", err=True)
            click.get_current_context().exit(_NOT_CONVERGED)

    def _origin(self, model: HistFactoryModel) -> dict[str, Any]:
        from nextstat_core.infer.provenance import provenance_of
        from nextstat_core.infer.target import target_of

        return {
            **provenance_of(target_of(model)),
            "workspace": self.source.workspace,
            "patches": list(self.source.patches),
        }


def with_analysis(
    *, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of all commands that fit; the command gets the `Analysis` of them first.

    Modules of commands import what computes in the function only: array libraries ask once how
    many threads to use, when they are imported. `also` are more names of the option ``--input``.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def call(*, source: Source, **options: Any) -> Any:
            def taken(kind: type[Any]) -> Any:
                return kind(**{name: options.pop(name) for name in kind.__dataclass_fields__})

            analysis = Analysis(source, taken(Parameters), taken(Place), taken(Outputs))
            limit_threads(analysis.place.threads)
            return command(analysis, **options)

        decorated: Callable[..., Any] = call
        for option in reversed(_OPTIONS):
            decorated = option(decorated)
        return source_options("measurement", "poi", "interpolation", also=also)(decorated)

    return decorate
